// A CGI program with one test case per path.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static void text(const char *body) { printf("Content-Type: text/plain\n\n%s", body); }

static void copy_input(void) {
  static char bytes[10000];
  for (ssize_t length; (length = read(0, bytes, sizeof bytes)) > 0;) fwrite(bytes, 1, length, stdout);
}

static void much(int count) {
  for (int at = 0; at < count; at++) printf("%06d\n", at);
}

int main(void) {
  const char *path = variable("PATH_INFO");
#define IS(name) (strcmp(path, "/" name) == 0)
  if (IS("variables")) {
    text("");
    for (char **each = environ; each && *each; each++) printf("%s\n", *each);
  } else if (IS("echo")) {
    printf("Content-Type: %s\r\n\r\n", variable("CONTENT_TYPE"));
    copy_input();
  } else if (IS("fields")) {
    printf("content-type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=\xc3\xa9\r\nX-Empty:\r\n");
    printf("Status: 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
    printf("<p>not here</p>\n");
  } else if (IS("told-length")) {
    printf("Content-Type: text/plain\nContent-Length: 12345\n\n");
  } else if (IS("elsewhere")) {
    printf("Location: https://example.org/a?b=c\n\n");
  } else if (IS("moved")) {
    printf("Status: 308\nLocation: /variables\nContent-Type: text/plain\n\nmoved\n");
  } else if (IS("local")) {
    printf("Location: /variables?from=local\n\n");
  } else if (IS("circle")) {
    printf("Location: /circle\n\n");
  } else if (IS("no-content")) {
    printf("Status: 204\n\n");
    much(100000);
  } else if (IS("late-exit")) {
    text("answered\n");
    return 5;
  } else if (IS("silent")) {
    return 3;
  } else if (IS("no-head")) {
    printf("hello\n\n");
  } else if (IS("half-head")) {
    printf("Content-Type: text/plain\n");
  } else if (IS("no-type")) {
    printf("X-A: b\n\nhello\n");
  } else if (IS("bad-status")) {
    printf("Status: 999 What\n\nhello\n");
  } else if (IS("huge-head")) {
    printf("X-Huge: ");
    much(20000);
  } else if (IS("trap")) {
    text("not to be seen\n");
    fflush(stdout);
    fprintf(stderr, "trapping now\n");
    __builtin_trap();
  } else if (IS("late-trap")) {
    text("");
    much(100000);
    fflush(stdout);
    __builtin_trap();
  } else if (IS("spin")) {
    for (volatile int at = 0;; at++);
  } else if (IS("much")) {
    text("");
    much(1000000);
  } else if (IS("endless")) {
    text("");
    for (;;) much(1000000);
  } else if (IS("first-then-sleep")) {
    text("first\n");
    fflush(stdout);
    struct timespec hour = {3600, 0};
    nanosleep(&hour, 0);
  } else if (IS("complain")) {
    fprintf(stderr, "one\ntwo \xe2\x98\xb9\nthree");
    text("complained\n");
  } else {
    text("hello\n");
  }
  return 0;
}
