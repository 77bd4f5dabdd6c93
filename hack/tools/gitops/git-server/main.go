// Serves the Git repositories below a directory over HTTP, by Git's own git-http-backend, on a free
// port of the loopback interface. Prints its address.
//
//	usage: git-server DIRECTORY
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: git-server DIRECTORY"))
	}
	root, err := filepath.Abs(os.Args[1])
	if err != nil {
		fail(err)
	}
	programs, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		fail(fmt.Errorf("git --exec-path: %w; install git", err))
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	fail(http.Serve(listener, backend))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "git-server:", err)
	os.Exit(1)
}
