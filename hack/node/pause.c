/* What holds a pod's namespaces: it waits, reaps what the pod leaves behind, and ends when told.
 * Static, so that the image holds nothing else. */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0)
    ;
}

static void end(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  signal(SIGCHLD, reap);
  signal(SIGINT, end);
  signal(SIGTERM, end);
  for (;;)
    pause();
}
