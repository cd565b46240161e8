// Uses files in /data through the POSIX API. Prints the first failed check and exits with code 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUST(what) do { if (!(what)) { printf("line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return 1; } } while (0)
#define REFUSED(what, why) do { errno = 0; MUST((what) < 0); if (errno != (why)) { printf("line %d: %s: %s\n", __LINE__, #what, strerror(errno)); return 1; } } while (0)

int main(void) {
  char text[64] = {0};
  struct stat status;
  MUST(mkdir("/data/sub", 0777) == 0);
  REFUSED(mkdir("/data/sub", 0777), EEXIST);
  FILE *file = fopen("/data/sub/\xf0\x9f\x91\x8b.txt", "w+");
  MUST(file);
  MUST(fprintf(file, "hello %d\n", 42) == 9);
  MUST(fseek(file, 6, SEEK_SET) == 0);
  MUST(fgets(text, sizeof text, file) && strcmp(text, "42\n") == 0);
  MUST(fclose(file) == 0);
  MUST(rename("/data/sub/\xf0\x9f\x91\x8b.txt", "/data/a") == 0);
  MUST(stat("/data/a", &status) == 0 && status.st_size == 9 && S_ISREG(status.st_mode));
  MUST(symlink("a", "/data/link") == 0);
  MUST(readlink("/data/link", text, sizeof text) == 1 && text[0] == 'a');
  MUST(lstat("/data/link", &status) == 0 && S_ISLNK(status.st_mode));
  MUST(link("/data/a", "/data/sub/b") == 0);
  MUST(stat("/data/a", &status) == 0 && status.st_nlink == 2);
  int fd = open("/data/link", O_RDWR | O_APPEND);
  MUST(fd >= 0);
  MUST(write(fd, "more", 4) == 4);
  MUST(pread(fd, text, 4, 9) == 4 && memcmp(text, "more", 4) == 0);
  MUST(lseek(fd, -2, SEEK_END) == 11);
  MUST(ftruncate(fd, 5) == 0);
  struct timespec times[2] = {{1, 2}, {1000000000, 123456789}};
  MUST(futimens(fd, times) == 0);
  MUST(fstat(fd, &status) == 0 && status.st_size == 5 && status.st_mtim.tv_nsec == 123456789);
  MUST(close(fd) == 0);
  REFUSED(close(fd), EBADF);
  REFUSED(open("/data/link", O_RDONLY | O_NOFOLLOW), ELOOP);
  REFUSED(open("/data/no", O_RDONLY), ENOENT);
  REFUSED(open("/data/a", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
  REFUSED(open("/data/a/b", O_RDONLY), ENOTDIR);
  REFUSED(open("/data", O_WRONLY), EISDIR);
  REFUSED(rmdir("/data/sub"), ENOTEMPTY);
  int entries = 0;
  DIR *folder = opendir("/data");
  MUST(folder);
  for (struct dirent *entry; (entry = readdir(folder));) entries += entry->d_name[0] != '.';
  MUST(entries == 3);
  rewinddir(folder);
  MUST(readdir(folder));
  MUST(closedir(folder) == 0);
  MUST(unlink("/data/sub/b") == 0 && unlink("/data/link") == 0 && rmdir("/data/sub") == 0);
  puts("fine");
  return 0;
}
