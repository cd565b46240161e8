// Benchmark of file I/O: `files write|read|open TURNS` uses `file` in the first preopened
// directory. A turn writes or reads 64 MiB in blocks of 4 KiB, or opens and closes the file 10,000
// times. It calls WASI directly, not through the file functions of the C library. Build it with
// clang-19 --target=wasm32-wasi -Os -s -nostartfiles -o files.wasm files.c
#include <stdlib.h>
#include <wasi/api.h>

#define ROOT 3
#define PIECES 16384
#define OPENS 10000

static char piece[4096];
static __wasi_size_t size;

static void must(int condition) {
  if (!condition) __wasi_proc_exit(1);
}

static __wasi_fd_t opened(__wasi_oflags_t how) {
  __wasi_fd_t fd;
  must(__wasi_path_open(ROOT, 0, "file", how, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE, 0, 0, &fd) == 0);
  return fd;
}

static void close(__wasi_fd_t fd) {
  must(__wasi_fd_close(fd) == 0);
}

static void write(void) {
  __wasi_ciovec_t buffer = {(const uint8_t *)piece, sizeof piece};
  __wasi_fd_t fd = opened(__WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC);
  for (int at = 0; at < PIECES; at++) must(__wasi_fd_write(fd, &buffer, 1, &size) == 0 && size == sizeof piece);
  close(fd);
}

static void read(void) {
  __wasi_iovec_t buffer = {(uint8_t *)piece, sizeof piece};
  __wasi_fd_t fd = opened(0);
  for (int at = 0; at < PIECES; at++) must(__wasi_fd_read(fd, &buffer, 1, &size) == 0 && size == sizeof piece);
  close(fd);
}

static void open(void) {
  for (int at = 0; at < OPENS; at++) close(opened(0));
}

void _start(void) {
  static char text[4096];
  static char *args[64];
  __wasi_size_t count;
  must(__wasi_args_sizes_get(&count, &size) == 0 && count == 3 && size <= sizeof text);
  must(__wasi_args_get((uint8_t **)args, (uint8_t *)text) == 0);
  void (*work)(void) = args[1][0] == 'w' ? write : args[1][0] == 'r' ? read : open;
  for (int turns = atoi(args[2]); turns > 0; turns--) work();
  __wasi_proc_exit(0);
}
