// Writes lines until nobody reads them any more, tells the error and how a second try ends, and ends with 3.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  while (write(1, "y\n", 2) > 0);
  fprintf(stderr, "%s", strerror(errno));
  fprintf(stderr, ", %s\n", write(1, "y\n", 2) < 0 ? strerror(errno) : "written");
  return 3;
}
