# Ends what a test program started, when that program is gone: however it ended, also by a signal
# that cannot be caught. The program holds the other end of our standard input; when it closes, we
# clean up. Lines that it sends:
#   process PID START       it started this process (START: field 22 of /proc/PID/stat)
#   control-plane DIR       it is about to start a control plane there
#   node DIR                it is about to start a node there
#   directory DIR           it made this temporary directory
#   done WORD               it ended or removed that one itself (WORD: PID or DIR)
# shellcheck shell=bash
set -u
trap '' HUP INT TERM
control_plane=$1
node=$(dirname -- "$control_plane")/node/run
declare -A processes=() planes=() nodes=() directories=()

while read -r kind name more; do
  case $kind in
  process) processes[$name]=$more ;;
  control-plane) planes[$name]=1 ;;
  node) nodes[$name]=1 ;;
  directory) directories[$name]=1 ;;
  done) unset "processes[$name]" "planes[$name]" "nodes[$name]" "directories[$name]" ;;
  esac
done

for pid in "${!processes[@]}"; do
  # The same start, or the number belongs to somebody else by now.
  { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[19]-} == "${processes[$pid]}" ]] && kill -KILL "$pid" 2>/dev/null
done
for directory in "${!planes[@]}"; do
  # A start that is still under way holds a lock; stop waits for it.
  "$control_plane" stop "$directory" 2>/dev/null || "$control_plane" stop "$directory"
done
for directory in "${!nodes[@]}"; do "$node" stop "$directory"; done
for directory in "${!directories[@]}"; do rm -rf -- "$directory"; done
