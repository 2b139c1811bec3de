// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Motifs of DNA from files: MEME (version 4, also its minimal form) and JASPAR count matrices.
///
/// The format is told by the first line: `MEME version 4` or a header `>`. Plain or gzip.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// How often each letter was seen at each position of a motif's sites.
struct motif {
  std::string name = {};            ///< identifier, the first word
  std::string alternate = {};       ///< second name, as of the protein; may be empty
  std::vector<double> counts = {};  ///< (width, 4), row-major, A C G T; each row has a sum above 0

  [[nodiscard]] index_t width() const { return static_cast<index_t>(counts.size() / 4); }
};

/// What a file of motifs holds.
struct motif_list {
  std::vector<motif> motifs = {};
  std::optional<std::array<double, 4>> background = {};  ///< of a MEME file that states one; above 0, sum 1
};

/// Reads all motifs of a file.
///
/// MEME: probabilities times `nsites` (20 where it is missing or 0, as in MEME's own tools), each row scaled
/// to a sum of 1 first. JASPAR: counts as they stand, with or without letters and brackets.
/// \throws error [dnalm.format.155] neither format, or a line that breaks it; [dnalm.unsupported.156] an
/// alphabet other than ACGT; [dnalm.input.157] no motif; as line_reader. At most 10,000 columns a motif.
[[nodiscard]] motif_list read_motifs(const std::filesystem::path& path);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/motif_file_impl.hpp>
#endif
