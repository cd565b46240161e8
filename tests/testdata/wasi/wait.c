// Polls a clock, then standard input, and prints the events.
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  struct timespec before, after, pause = {0, 3000000};
  clock_gettime(CLOCK_MONOTONIC, &before);
  if (nanosleep(&pause, 0) != 0) return 1;
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long waited = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  printf("%s\n", waited >= 3000000 ? "slept" : "woke early");
  struct pollfd input = {0, POLLIN, 0};
  printf("%d", poll(&input, 1, 3600000));
  printf(" %s\n", input.revents & POLLIN ? "readable" : "nothing");
  char bytes[10];
  printf("%zd\n", read(0, bytes, sizeof bytes));
  return 0;
}
