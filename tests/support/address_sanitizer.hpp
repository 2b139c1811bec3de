// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DNALM_TEST_ADDRESS_SANITIZER: 1 where the address sanitizer watches, else 0. g++ and clang tell it
/// apart.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define DNALM_TEST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DNALM_TEST_ADDRESS_SANITIZER 1
#endif
#endif
#if !defined(DNALM_TEST_ADDRESS_SANITIZER)
#define DNALM_TEST_ADDRESS_SANITIZER 0
#endif
