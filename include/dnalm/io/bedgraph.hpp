// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief bedGraph: tracks as text, `chromosome start end value`, counted from 0 without the end.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/track.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Writes intervals, atomically. Values are the shortest text that reads back as the same float.
///
/// `name` (may be empty) becomes the line `track type=bedGraph name="..."`; quotes and control characters in
/// it become spaces. \throws error [dnalm.usage.159] for intervals that
/// overlap or do not come in order, or without bases; as atomic_file.
void write_bedgraph(const std::filesystem::path& path, std::span<const track_interval> intervals,
                    const std::string& name = {});

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/bedgraph_impl.hpp>
#endif
