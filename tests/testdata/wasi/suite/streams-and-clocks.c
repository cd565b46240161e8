// Standard streams, arguments, environment, clocks, random numbers, polling and the exit code.
#include "suite.h"

static char big[70000];

START {
  // The test passes {"args": ["a", "", "👋"], "env": {"NAME": "é"}} and an empty standard input.
  __wasi_size_t count, length;
  WANT(SUCCESS, __wasi_args_sizes_get(&count, &length));
  MUST(count == 4);
  uint8_t *argv[4], text[256];
  MUST(length <= sizeof text);
  WANT(SUCCESS, __wasi_args_get(argv, text));
  MUST(strcmp((char *)argv[1], "a") == 0 && argv[2][0] == 0);
  MUST(strcmp((char *)argv[3], "\xf0\x9f\x91\x8b") == 0);
  WANT(SUCCESS, __wasi_environ_sizes_get(&count, &length));
  MUST(count == 1 && length == 8);
  WANT(SUCCESS, __wasi_environ_get(argv, text));
  MUST(strcmp((char *)argv[0], "NAME=\xc3\xa9") == 0);

  __wasi_filesize_t position;
  WANT(SUCCESS, __wasi_fd_read(0, &buffer, 1, &size));
  MUST(size == 0);
  WANT(SPIPE, __wasi_fd_seek(0, 0, __WASI_WHENCE_CUR, &position));
  WANT(SPIPE, __wasi_fd_tell(1, &position));
  WANT(BADF, __wasi_fd_write(0, &content, 1, &size));
  WANT(BADF, __wasi_fd_read(1, &buffer, 1, &size));
  write_text(1, "to stdout\n");
  write_text(2, "to stderr\n");

  // Clocks do not run backwards.
  __wasi_timestamp_t first, second, resolution;
  for (__wasi_clockid_t id = 0; id < 2; id++) {
    WANT(SUCCESS, __wasi_clock_res_get(id, &resolution));
    MUST(resolution > 0);
    WANT(SUCCESS, __wasi_clock_time_get(id, 1, &first));
    WANT(SUCCESS, __wasi_clock_time_get(id, 1, &second));
    MUST(second >= first);
  }

  // random_get fills a buffer of any size.
  WANT(SUCCESS, __wasi_random_get((uint8_t *)big, sizeof big));
  int zeros = 0;
  for (unsigned i = 0; i < sizeof big; i++) zeros += big[i] == 0;
  MUST(zeros < 1000);
  WANT(SUCCESS, __wasi_random_get((uint8_t *)big, 0));

  // An output is ready before a clock expires. With a clock alone, poll_oneoff blocks.
  __wasi_subscription_t in[2] = {
      {.userdata = 1, .u.tag = __WASI_EVENTTYPE_FD_WRITE, .u.u.fd_write.file_descriptor = 1},
      {.userdata = 2, .u.tag = __WASI_EVENTTYPE_CLOCK,
       .u.u.clock = {.id = __WASI_CLOCKID_MONOTONIC, .timeout = 2000000}},
  };
  __wasi_event_t out[2];
  WANT(SUCCESS, __wasi_poll_oneoff(in, out, 2, &size));
  MUST(size == 1 && out[0].userdata == 1 && out[0].error == 0);
  WANT(SUCCESS, __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &first));
  WANT(SUCCESS, __wasi_poll_oneoff(in + 1, out, 1, &size));
  WANT(SUCCESS, __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &second));
  MUST(size == 1 && out[0].userdata == 2 && out[0].type == __WASI_EVENTTYPE_CLOCK);
  MUST(second - first >= 2000000);
  WANT(INVAL, __wasi_poll_oneoff(in, out, 0, &size));
  WANT(SUCCESS, __wasi_sched_yield());
  __wasi_proc_exit(33);
}
