// Says what others make of Kubernetes objects: kstatus by its own library, as `kubectl`, Helm and
// Flux compute it, and what a Lua script of Argo CD answers, in an interpreter set up as Argo CD
// sets up its own: without the libraries string, math, io and coroutine, and with a second to end.
//
// Reads requests from standard input, one JSON object a line: {"object": {…}, "script": "…"}, the
// script may be missing. Answers each with a line: {"kstatus": "Current", "message": "…",
// "lua": <what the script returned>}, or {"error": "…"}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type request struct {
	Object map[string]any `json:"object"`
	Script string         `json:"script"`
}

type answer struct {
	Kstatus string `json:"kstatus,omitempty"`
	Message string `json:"message,omitempty"`
	Lua     any    `json:"lua,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		said, err := answered(lines.Bytes())
		if err != nil {
			said = answer{Error: err.Error()}
		}
		if err := out.Encode(said); err != nil {
			fail(err)
		}
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "health:", err)
	os.Exit(1)
}

func answered(line []byte) (answer, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{}, fmt.Errorf("a line is no request: %w", err)
	}
	// Through its own decoder, which keeps whole numbers whole.
	object := &unstructured.Unstructured{}
	raw, err := json.Marshal(asked.Object)
	if err != nil {
		return answer{}, err
	}
	if err := object.UnmarshalJSON(raw); err != nil {
		return answer{}, fmt.Errorf("not an object of Kubernetes: %w", err)
	}
	computed, err := status.Compute(object)
	if err != nil {
		return answer{}, fmt.Errorf("kstatus: %w", err)
	}
	said := answer{Kstatus: string(computed.Status), Message: computed.Message}
	if asked.Script != "" {
		if said.Lua, err = run(asked.Script, object.Object); err != nil {
			return answer{}, fmt.Errorf("lua: %w", err)
		}
	}
	return said, nil
}

func run(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		call := lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return fromLua(state.Get(-1))
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// A table with a first item is a list; an empty one reads as an empty object.
func fromLua(value lua.LValue) (any, error) {
	switch value := value.(type) {
	case lua.LBool:
		return bool(value), nil
	case lua.LNumber:
		return float64(value), nil
	case lua.LString:
		return string(value), nil
	case *lua.LTable:
		var broken error
		take := func(item lua.LValue) any {
			found, err := fromLua(item)
			if err != nil {
				broken = err
			}
			return found
		}
		if value.Len() > 0 {
			list := make([]any, 0, value.Len())
			for i := 1; i <= value.Len(); i++ {
				list = append(list, take(value.RawGetInt(i)))
			}
			return list, broken
		}
		object := map[string]any{}
		value.ForEach(func(key, item lua.LValue) { object[key.String()] = take(item) })
		return object, broken
	case *lua.LNilType:
		return nil, nil
	default:
		return nil, fmt.Errorf("a %s is no part of an answer", value.Type())
	}
}
