/* op.h - what a phone or an operator asked for, and what became of it. */
#ifndef TESTS_SIM_OP_H
#define TESTS_SIM_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOSTS = 2, CLIENTS_MAX = 8, CONTACTS_MAX = 3 };

enum op_kind { OP_REGISTER, OP_REMOVE, OP_STAR, OP_FETCH, OP_OPERATOR };
enum op_state { OP_OPEN, OP_GIVEN_UP, OP_GRANTED, OP_REFUSED };
enum { OP_ENTRIES = 4 };

/* One REGISTER (or an operator's removal) as its sender knows it, and what became of it. */
struct op {
	int client; /* -1: the operator */
	int aor;
	enum op_kind kind;
	enum op_state state;
	unsigned contacts; /* bits */
	unsigned call;
	uint32_t cseq, expires_s;
	int64_t start, last_sent, done;
	unsigned copies;              /* put on the wire */
	uint32_t entries[OP_ENTRIES]; /* what it wrote: one, or more where one was lost */
	size_t n_entries;
	uint32_t served[HOSTS]; /* newest entry of its AOR when it was served first */
	uint64_t served_life[HOSTS];
	bool excused;        /* was on one disk alone, as the pair said, and that disk is gone */
	int rests_on;        /* the disk that had it is gone: this host's memory has it, ... */
	uint64_t rests_life; /* ... as long as this process lives; 0: it does not rest so */
	bool acked;          /* a 200 has left a node ... */
	int64_t acked_at;
	bool paired;               /* ... while the pair was paired, and so ... */
	uint64_t kept_life[HOSTS]; /* ... these processes had it */
};

/* A merge that left our record as it was: `theirs` is in it from `ours` on. */
struct taken_in {
	int aor;
	uint32_t ours, theirs;
};

#endif
