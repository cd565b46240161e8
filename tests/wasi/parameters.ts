import type { Preview1Name } from "../../src/wasi/imports.ts";

/**
 * Parameters of every function but `proc_exit`: `d` a descriptor, `p` a pointer, `n` a number or
 * flags, `l` 64 bits, `s` a file size, `v` a list of iovecs, `t` a path with its length.
 */
export const parameters: Readonly<Record<Exclude<Preview1Name, "proc_exit">, string>> = {
  ...{ args_get: "pp", args_sizes_get: "pp", environ_get: "pp", environ_sizes_get: "pp" },
  ...{
    clock_res_get: "np",
    clock_time_get: "nlp",
    proc_raise: "n",
    sched_yield: "",
    random_get: "pn",
  },
  ...{
    fd_advise: "dlln",
    fd_allocate: "dss",
    fd_close: "d",
    fd_datasync: "d",
    fd_fdstat_get: "dp",
  },
  ...{ fd_fdstat_set_flags: "dn", fd_fdstat_set_rights: "dll", fd_filestat_get: "dp" },
  ...{
    fd_filestat_set_size: "ds",
    fd_filestat_set_times: "dlln",
    fd_pread: "dvnlp",
    fd_prestat_get: "dp",
  },
  ...{ fd_prestat_dir_name: "dpn", fd_pwrite: "dvnsp", fd_read: "dvnp", fd_readdir: "dpnlp" },
  ...{ fd_renumber: "dd", fd_seek: "dlnp", fd_sync: "d", fd_tell: "dp", fd_write: "dvnp" },
  ...{ path_create_directory: "dt", path_filestat_get: "dntp", path_filestat_set_times: "dntlln" },
  ...{
    path_link: "dntdt",
    path_open: "dntnllnp",
    path_readlink: "dtpnp",
    path_remove_directory: "dt",
  },
  ...{ path_rename: "dtdt", path_symlink: "tdt", path_unlink_file: "dt", poll_oneoff: "ppnp" },
  ...{ sock_accept: "dnp", sock_recv: "dvnnpp", sock_send: "dvnnp", sock_shutdown: "dn" },
};
