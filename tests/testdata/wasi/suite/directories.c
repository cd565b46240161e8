// Directories: creating, listing with small buffers, renaming, removing, calls that need a file.
#include "suite.h"

static uint8_t listing[512];

// Returns the number of entries of a directory, read with a buffer of `length` bytes.
static int count(__wasi_fd_t fd, __wasi_size_t length) {
  int entries = 0;
  for (__wasi_dircookie_t cookie = 0;;) {
    WANT(SUCCESS, __wasi_fd_readdir(fd, listing, length, cookie, &size));
    __wasi_size_t at = 0;
    while (at + sizeof(__wasi_dirent_t) <= size) {
      __wasi_dirent_t entry;
      memcpy(&entry, listing + at, sizeof entry);
      if (at + sizeof entry + entry.d_namlen > size) break;
      at += sizeof entry + entry.d_namlen;
      cookie = entry.d_next;
      entries++;
    }
    if (size < length) return entries;
    MUST(at > 0);
  }
}

START {
  WANT(SUCCESS, __wasi_path_create_directory(ROOT, "new"));
  WANT(EXIST, __wasi_path_create_directory(ROOT, "new"));
  WANT(EXIST, __wasi_path_create_directory(ROOT, "file"));
  WANT(NOENT, __wasi_path_create_directory(ROOT, "missing/new"));
  WANT(SUCCESS, __wasi_path_create_directory(ROOT, "new/below/"));
  MUST(status("new", 0).filetype == __WASI_FILETYPE_DIRECTORY);

  // 40 entries, `.` and `..`, read with a small and with a larger buffer.
  char name[] = "new/n00";
  for (int i = 0; i < 39; i++) {
    name[5] = '0' + i / 10;
    name[6] = '0' + i % 10;
    WANT(SUCCESS, __wasi_fd_close(create(name)));
  }
  __wasi_fd_t fd;
  __wasi_rights_t rights = __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_FD_FILESTAT_GET;
  WANT(SUCCESS, __wasi_path_open(ROOT, 0, "new", __WASI_OFLAGS_DIRECTORY, rights, 0, 0, &fd));
  MUST(count(fd, 64) == 42);
  MUST(count(fd, sizeof listing) == 42);
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, "new/n00"));
  MUST(count(fd, sizeof listing) == 41);

  // Calls that need a file fail.
  __wasi_filesize_t position;
  WANT(ISDIR, __wasi_fd_read(fd, &buffer, 1, &size));
  WANT(ISDIR, __wasi_fd_write(fd, &content, 1, &size));
  WANT(ISDIR, __wasi_fd_pread(fd, &buffer, 1, 0, &size));
  WANT(ISDIR, __wasi_fd_pwrite(fd, &content, 1, 0, &size));
  WANT(BADF, __wasi_fd_seek(fd, 0, __WASI_WHENCE_CUR, &position));
  WANT(BADF, __wasi_fd_tell(fd, &position));
  WANT(BADF, __wasi_fd_advise(fd, 0, 0, __WASI_ADVICE_NORMAL));
  WANT(BADF, __wasi_fd_allocate(fd, 0, 1));
  WANT(BADF, __wasi_fd_filestat_set_size(fd, 0));
  WANT(SUCCESS, __wasi_fd_close(fd));

  // Renaming and removing.
  WANT(NOTEMPTY, __wasi_path_remove_directory(ROOT, "new"));
  WANT(SUCCESS, __wasi_path_rename(ROOT, "new/", ROOT, "moved/"));
  WANT(NOENT, __wasi_path_remove_directory(ROOT, "new"));
  WANT(NOTDIR, __wasi_path_remove_directory(ROOT, "file"));
  WANT(ISDIR, __wasi_path_unlink_file(ROOT, "moved"));
  WANT(SUCCESS, __wasi_path_remove_directory(ROOT, "moved/below"));
  WANT(SUCCESS, __wasi_path_create_directory(ROOT, "empty"));
  WANT(NOTDIR, __wasi_path_rename(ROOT, "empty", ROOT, "file"));
  WANT(ISDIR, __wasi_path_rename(ROOT, "file", ROOT, "empty"));
  WANT(NOTEMPTY, __wasi_path_rename(ROOT, "empty", ROOT, "folder"));
  WANT(SUCCESS, __wasi_path_rename(ROOT, "folder", ROOT, "empty"));
  WANT(INVAL, __wasi_path_rename(ROOT, "empty", ROOT, "empty/below"));
  WANT(SUCCESS, __wasi_path_rename(ROOT, "file", ROOT, "empty/inside"));
  WANT(NOENT, __wasi_path_unlink_file(ROOT, "file"));
  WANT(SUCCESS, __wasi_path_unlink_file(ROOT, "empty/inside"));
  WANT(SUCCESS, __wasi_path_remove_directory(ROOT, "empty"));
}
