/* host.h - one of the two machines: its process, its disk, its keepalived, its clocks. */
#ifndef TESTS_SIM_HOST_H
#define TESTS_SIM_HOST_H

#include "node/core/node.h"
#include "tests/sim/history.h"

/* One key of the image. */
struct image_item {
	uint8_t *memory;
	enum table table;
	struct slice key, value; /* in memory */
	bool flipped;            /* its bytes are not what was written */
};
struct image {
	struct image_item *items;
	size_t n, room;
};

/* A generation being received, as the process has it; and the disk's own once it is whole and in place. */
struct next {
	struct image image;
	bool begun;              /* records are put into it */
	bool placing;            /* it is whole: the disk puts it in place of the old one */
	uint64_t number;         /* of the generation: what is told of another is void */
	uint64_t marked, stored; /* slices, and entries behind them */
	int64_t stored_at;       /* when the newest of them is */
	uint64_t seq;            /* its end */
	struct pairtime pair;
};

/* What is on the disk beside the image; while a new generation is being placed: of the old one. */
struct whole {
	uint64_t applied, first, durable;
	uint32_t head; /* the entry at `durable` */
	struct pairtime pair;
	int64_t wall_ms;
};

/* What survives the process. The log's entries are those of the history, up to `durable`. */
struct disk {
	struct image image;
	struct next next;
	struct whole old;
	uint64_t applied;    /* of the image */
	uint64_t first;      /* oldest entry in the log; above durable: empty */
	uint64_t durable;    /* newest entry in the log, or the image's */
	uint64_t committing; /* what the running commit goes up to; 0: none */
	int64_t wall_ms;     /* when the newest was committed */
	struct pairtime pair;
	int64_t slow_until;
	bool hangs;        /* nothing becomes durable for now */
	bool room_low;     /* as its process is told */
	bool lost;         /* what was on it was damaged: only the peer can give it back */
	uint64_t restored; /* where a backup ended that was put back; 0: none was */
	bool broken;       /* refuses to be written until the process is started anew */
};

enum vrrp_state { VRRP_DOWN, VRRP_FAULT, VRRP_BACKUP, VRRP_MASTER };
struct vrrp {
	enum vrrp_state state;
	bool file;    /* what the track file says */
	bool address; /* is on the interface */
	bool stuck;   /* nobody takes it away from a dead keepalived */
	uint64_t timer;
	unsigned adverts;
};

/* One connection's end: a stream each way. */
struct stream {
	uint64_t number;    /* as the process sees it; 0: none */
	uint64_t coming;    /* the newest, until the process has heard of it */
	int sent, came;     /* how much each way */
	int64_t sent_until; /* when the newest bytes sent arrive */
	struct buf inbox;   /* less than a frame */
};
enum { LIVE, BULK, STREAMS };

struct host {
	int index;
	enum role role;
	bool up;       /* has power */
	bool loaded;   /* the process */
	bool followed; /* heard an active since it started: its pair clock is the pair's */
	bool forked;   /* this process holds a fork that is not merged yet */
	bool seeded;   /* told how to go on, on this connection */
	bool leaving;  /* the process asked to end */
	bool frozen;   /* it stands still, and keepalived with it, ... */
	int64_t paused_until;
	struct node *node;
	uint32_t installed, version; /* of the program on its disk; of the one that runs */
	uint64_t life;               /* number of the process; events of another are void */
	uint64_t told_to_take;       /* the process an operator told to wait no more */
	struct chain chain;          /* entries in memory; without a process: on the disk */
	struct disk disk;
	struct vrrp vrrp;
	uint64_t reign; /* begun by this process; 0: none */
	uint32_t reign_entry;
	int64_t clock_ms, clock_at,
		drift_ppm;                   /* its clock showed this then, and runs at this rate */
	int64_t skew_ms, wall_ppm;           /* of its wall clock */
	int64_t starved_until, runs_at;      /* short of processor time: when it runs next */
	int64_t slow_reader_until, reads_at; /* of the link */
	uint64_t turn;                       /* the turn that is due */
	int64_t busy_ms, second; /* how late its loop runs; spins are counted by the second */
	unsigned turns;
	uint64_t read_seq;            /* a block of the log that the node wants; 0: none */
	uint64_t forks, fork_entries; /* of this process, as its disk saw them */
	int64_t crashed, active_since;
	int64_t disk_failed;    /* when its disk did last; 0: never */
	int64_t fork_offset_ms; /* its pair time less the world's, before it knew the winner's */
	uint32_t born;          /* entries there were as its process started */
	struct stream link[STREAMS];
};

struct event;
struct world;

/* host.c: the process on a host */
struct mtime host_now(const struct world *w, const struct host *h);
void host_set_drift(struct world *w, struct host *h, int64_t ppm);
int64_t host_wall_ms(const struct world *w, const struct host *h);
void host_start(struct world *w, struct host *h);
void host_on_loaded(struct world *w, const struct event *e);
void host_note_both(struct world *w, const struct host *lost);
void host_kill(struct world *w, struct host *h); /* SIGKILL, or its end */
void host_power_off(struct world *w, struct host *h);
void host_feed(struct world *w, struct host *h, struct node_input *in);
void host_on_turn(struct world *w, const struct event *e);
void host_command(struct world *w, struct host *h, struct node_command *c);

/* disk.c */
void disk_append(struct world *w, struct host *h, const struct node_output *o);
void disk_flush(struct world *w, struct host *h);
void disk_on_commit(struct world *w, const struct event *e);
void disk_on_checkpoint(struct world *w, const struct event *e);
void disk_set_aside(struct world *w, struct host *h, uint64_t after);
void disk_next_begin(struct world *w, struct host *h);
void disk_next_put(struct world *w, struct host *h, const struct node_output *o);
void disk_next_slice(struct world *w, struct host *h, const struct node_output *o);
void disk_next_commit(struct world *w, struct host *h, const struct node_output *o);
void disk_next_abort(struct host *h);
void disk_on_stored(struct world *w, const struct event *e);
void disk_on_placed(struct world *w, const struct event *e);
/* What was asked of it is done, before the process ends or a file is written. */
void disk_settle(struct world *w, struct host *h);
/* What is not durable is gone, but for a commit that just made it. */
void disk_crash(struct world *w, struct host *h);
/* All that was on it is gone. */
void disk_wipe(struct world *w, struct host *h);
/* It is as it was some time ago. */
void disk_age(struct world *w, struct host *h);
struct slice disk_read(struct world *w, struct host *h, uint64_t seq, struct buf *block);
void disk_free(struct disk *d);

/* link.c: the stream between the nodes */
void link_send(struct world *w, struct host *h, const struct node_output *o);
void link_close(struct world *w, struct host *h, uint64_t number);
void link_reset(struct world *w, int stream); /* with what is on its way */
void link_crash(struct world *w, struct host *h, bool power);
int64_t link_held_up_ms(struct world *w, const struct event *e); /* 0: it is not */
int64_t host_starved_ms(struct world *w, struct host *h);        /* 0: it runs */
void link_on_bytes(struct world *w, const struct event *e);
void link_on_up(struct world *w, const struct event *e);
void link_on_down(struct world *w, const struct event *e);
void link_on_try(struct world *w, const struct event *e);

/* vrrp.c: keepalived, and where the address is */
void vrrp_start(struct world *w, struct host *h);
void vrrp_kill(struct world *w, struct host *h, bool power);
void vrrp_track(struct world *w, struct host *h, bool fault);
void vrrp_on_track(struct world *w, const struct event *e);
void vrrp_on_advert(struct world *w, const struct event *e);
void vrrp_on_timer(struct world *w, const struct event *e);
void vrrp_on_address(struct world *w, const struct event *e);
void vrrp_on_cleanup(struct world *w, const struct event *e);
void vrrp_on_arp(struct world *w, const struct event *e);

#endif
