/* pair_init.h - `regpairctl pair init` and `pair renew`: the files that make two nodes one pair. */
#ifndef NODE_CTL_PAIR_INIT_H
#define NODE_CTL_PAIR_INIT_H

/* argv[0] is the verb; its arguments follow. Returns the program's exit code: 0 done, 1 refused or
 * failed, 2 wrong usage. Needs no running node. */
int ctl_pair_init(int argc, char **argv);
int ctl_pair_renew(int argc, char **argv);

#endif
