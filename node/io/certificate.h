/* certificate.h - until when a certificate is good. */
#ifndef NODE_IO_CERTIFICATE_H
#define NODE_IO_CERTIFICATE_H

#include <stdint.h>

/* Wall time in ms at which the first of the file's certificates (PEM) ends; INT64_MAX: there is none that can
 * be read, or no file (NULL, ""). */
int64_t certificate_ends_ms(const char *path);

#endif
