// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/bedgraph.hpp.
#pragma once

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/bedgraph.hpp>
#include <dnalm/io/detail/track_order.hpp>
#include <dnalm/io/table_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

DNALM_INLINE void write_bedgraph(const std::filesystem::path& path, std::span<const track_interval> intervals,
                                 const std::string& name) {
  detail::check_track_order(intervals);
  atomic_file file(path);
  if (!name.empty()) {
    std::string safe = name;
    for (char& c : safe) {
      if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == 0x7F) c = ' ';
    }
    file.write("track type=bedGraph name=\"" + safe + "\"\n");
  }
  std::string line;
  for (const track_interval& interval : intervals) {
    line = interval.chromosome;
    line.append("\t").append(std::to_string(interval.start)).append("\t");
    line.append(std::to_string(interval.end)).append("\t");
    line.append(format_number(static_cast<float>(interval.value))).append("\n");
    file.write(line);
  }
  file.commit();
}

}  // namespace io
DNALM_END_NAMESPACE
