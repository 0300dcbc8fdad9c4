/* threads.h - what the two threads beside the loop have in common. */
#ifndef NODE_IO_THREADS_H
#define NODE_IO_THREADS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static inline void threads_wake(int event_fd)
{
	uint64_t one = 1;

	(void)!write(event_fd, &one,
	             sizeof one); /* it is full only if the loop is to wake already */
}

/* For pthread_cond_timedwait on conditions made by threads_conditions. */
static inline struct timespec threads_in_ms(int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static inline bool threads_conditions(pthread_mutex_t *mutex, pthread_cond_t *a, pthread_cond_t *b)
{
	pthread_condattr_t monotonic;

	return pthread_mutex_init(mutex, NULL) == 0 && pthread_condattr_init(&monotonic) == 0 &&
	       pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(a, &monotonic) == 0 && pthread_cond_init(b, &monotonic) == 0 &&
	       pthread_condattr_destroy(&monotonic) == 0;
}

/* Waits for its end, but not for a disk that hangs. */
static inline bool threads_ended(pthread_t thread)
{
	enum { END_MAX_MS = 3000 };
	struct timespec until = threads_in_ms(END_MAX_MS);

	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

#endif
