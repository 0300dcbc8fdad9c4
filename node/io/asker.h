/* asker.h - who is at the other end of a UNIX socket, as far as the kernel, /proc and logind tell. */
#ifndef NODE_IO_ASKER_H
#define NODE_IO_ASKER_H

#include <jansson.h>
#include <sys/types.h>

/* {"uid", "user", "login_uid", "login", "pid", "program", "terminal", "from"}. The first four are the kernel's
 * word: who it is, and who logged in before sudo or su. `from` is the SSH client's address as logind knows
 * it, else as the environment of the process or of one it came from says; where a daemon may not read that,
 * or nobody came by SSH, it is left out, as is whatever else is not known. Names are those of /etc/passwd:
 * nobody is asked over a network. */
json_t *asker_of(pid_t pid, uid_t uid);

#endif
