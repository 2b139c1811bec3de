// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief vocab.txt: one token a line, its number is the number of the line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Lines of a vocab.txt, blanks around them removed; one line end may stand at the end of the file.
/// \throws error [dnalm.config.310] for an empty line or file, [dnalm.io.314] when it is larger than 64 MiB,
/// and as byte_source when it cannot be read.
[[nodiscard]] std::vector<std::string> read_vocabulary(const std::filesystem::path& file);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/vocabulary_file_impl.hpp>
#endif
