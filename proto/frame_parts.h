/* frame_parts.h - what the files of the frame codec share. Nobody else's. */
#ifndef PROTO_FRAME_PARTS_H
#define PROTO_FRAME_PARTS_H

#include "proto/frame.h"
#include "repl.pb-c.h"

bool resume_how_known(uint32_t how);
enum err frame_read_slice(const Repl__SnapshotSlice *m, struct arena *arena, struct frame *out);
enum err frame_read_go_on(const Repl__GoOn *m, struct go_on *out);
/* ERR_MALFORMED instead of OK where a number is beyond what any node of ours says. */
enum err frame_bounded(enum err err, const struct frame *f);

enum err frame_read_digest(const Repl__Digest *m, struct arena *arena, struct frame *out);
enum err frame_read_digest_answer(const Repl__DigestAnswer *m, struct frame *out);
enum err frame_read_buckets(const Repl__Buckets *m, struct frame *out);
enum err frame_read_keys(const Repl__Keys *m, struct arena *arena, struct frame *out);

void frame_write_slice(const struct frame *f, struct arena *arena, Repl__SnapshotSlice *m);
void frame_write_go_on(const struct go_on *g, Repl__GoOn *m);
void frame_write_digest(const struct frame *f, struct arena *arena, Repl__Digest *m);
void frame_write_digest_answer(const struct frame *f, Repl__DigestAnswer *m);
void frame_write_buckets(const struct frame *f, Repl__Buckets *m);
void frame_write_keys(const struct keys_frame *k, struct arena *arena, Repl__Keys *m);

#endif
