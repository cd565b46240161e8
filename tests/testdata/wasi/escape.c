// Opens each argument for reading, then for writing, and prints the results.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **paths) {
  for (int at = 1; at < count; at++) {
    int fd = open(paths[at], O_RDONLY);
    printf("%s: %s", paths[at], fd < 0 ? strerror(errno) : "read");
    if (fd >= 0) close(fd);
    fd = open(paths[at], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    printf(", %s\n", fd < 0 ? strerror(errno) : "written");
    if (fd >= 0) close(fd);
  }
  return 0;
}
