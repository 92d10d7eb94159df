// Stub of mbedtls/x509.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#define MBEDTLS_X509_BADCERT_EXPIRED 0x01
#define MBEDTLS_X509_BADCERT_CN_MISMATCH 0x04
#define MBEDTLS_X509_BADCERT_NOT_TRUSTED 0x08
#define MBEDTLS_X509_BADCERT_FUTURE 0x0200
