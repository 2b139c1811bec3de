// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module sequence.
#pragma once

#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/sequence/shuffle.hpp>
#include <dnalm/sequence/utf8.hpp>
