#include "proto/sip/header.h"
#include "proto/sip/message.h"

/* The bytes up to and with the empty line that ends the head; 0: it has not come yet. */
static size_t head_size(struct slice s)
{
	const uint8_t *end = s.p + s.n;
	const uint8_t *lf = memchr(s.p, '\n', s.n);

	while (lf != NULL) {
		size_t left = (size_t)(end - lf) - 1;

		if (left >= 1 && lf[1] == '\n')
			return (size_t)(lf - s.p) + 2;
		if (left >= 2 && lf[1] == '\r' && lf[2] == '\n')
			return (size_t)(lf - s.p) + 3;
		lf = left > 0 ? memchr(lf + 1, '\n', left) : NULL;
	}
	return 0;
}

/* Two lengths would let two receivers cut the stream in different places: refused like none. */
static bool read_length(struct slice head, uint32_t *length)
{
	struct sip_msg m;

	if (sip_parse(head, &m) != OK || sip_count(&m, HEADER_CONTENT_LENGTH) != 1)
		return false;
	return number_read(sip_find(&m, HEADER_CONTENT_LENGTH)->value, length) == OK;
}

/* The stream begins with CR or LF. A single CR LF may become a ping: the next bytes will tell. */
static struct sip_frame frame_blank(struct slice stream)
{
	static const uint8_t ping[] = "\r\n\r\n";
	size_t same = 0;

	while (same < stream.n && same < 4 && stream.p[same] == ping[same])
		same++;
	if (same == 4)
		return (struct sip_frame){SIP_FRAME_PING, 4};
	if (same == stream.n)
		return (struct sip_frame){SIP_FRAME_MORE, 0};
	return (struct sip_frame){SIP_FRAME_SKIP, same > 0 ? same : 1};
}

struct sip_frame sip_frame(struct slice stream)
{
	uint32_t length = 0;

	if (stream.n == 0)
		return (struct sip_frame){SIP_FRAME_MORE, 0};
	if (stream.p[0] == '\r' || stream.p[0] == '\n')
		return frame_blank(stream);

	struct slice window = slice_head(stream, SIP_MESSAGE_MAX);
	size_t head = head_size(window);
	if (head == 0)
		return window.n < SIP_MESSAGE_MAX
		               ? (struct sip_frame){SIP_FRAME_MORE, 0}
		               : (struct sip_frame){SIP_FRAME_TOO_BIG, SIP_MESSAGE_MAX};
	if (!read_length(slice_head(stream, head), &length))
		return (struct sip_frame){SIP_FRAME_NO_LENGTH, head};
	if (length > SIP_MESSAGE_MAX - head)
		return (struct sip_frame){SIP_FRAME_TOO_BIG, head};
	if (length > stream.n - head)
		return (struct sip_frame){SIP_FRAME_MORE, 0};
	return (struct sip_frame){SIP_FRAME_MESSAGE, head + length};
}
