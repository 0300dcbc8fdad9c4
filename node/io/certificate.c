#include "node/io/certificate.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { DAY_S = 24 * 60 * 60 };

static int64_t ends_ms(const X509 *certificate)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	int good = ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate));

	ASN1_TIME_free(epoch);
	return good == 1 ? ((int64_t)days * DAY_S + seconds) * 1000 : INT64_MAX;
}

int64_t certificate_ends_ms(const char *path)
{
	FILE *file = path != NULL && *path != '\0' ? fopen(path, "re") : NULL;
	int64_t first = INT64_MAX;
	X509 *certificate;

	if (file == NULL)
		return first;
	while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
		int64_t ends = ends_ms(certificate);
		first = ends < first ? ends : first;
		X509_free(certificate);
	}
	ERR_clear_error(); /* behind the last there is none */
	(void)fclose(file);
	return first;
}
