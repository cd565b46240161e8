// Prints its arguments and environment, copies stdin to stdout, and exits with code 7.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int count, char **arguments) {
  for (int at = 1; at < count; at++) printf("[%s]\n", arguments[at]);
  for (char **variable = environ; variable && *variable; variable++) printf("%s\n", *variable);
  fflush(stdout);
  char bytes[1000];
  for (ssize_t length; (length = read(0, bytes, sizeof bytes)) > 0;) write(1, bytes, length);
  fprintf(stderr, "done\n");
  return 7;
}
