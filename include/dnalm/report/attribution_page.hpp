// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The page of a run of attribution: drawings of sequences, and how they were made.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/report/manifest.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// One sequence of the page.
struct attribution_item {
  std::string name = {};
  std::vector<setting> facts = {};  ///< value of the target, convergence delta and the like, in words
  std::string drawing = {};         ///< an `<svg>` element, as draw() gives it; may be empty
};

/// A table of the page; all is text. A row with fewer fields than columns ends with empty ones.
struct page_table {
  std::string title = {};
  std::string explanation = {};           ///< a sentence or two above it
  std::vector<std::string> columns = {};  ///< the first one's fields stand left, the others' right
  std::vector<std::vector<std::string>> rows = {};
};

/// What the page says beside its drawings.
struct attribution_summary {
  std::string method = {};       ///< as the programs call it
  std::string explanation = {};  ///< what the numbers are, in a sentence or two
  std::vector<std::string> command = {};
  std::vector<setting> settings = {};  ///< every convention that was used
  index_t sequences = 0;               ///< of the run; the page may show fewer
  std::string lead = {};               ///< what was looked at, where it is not those sequences
  std::vector<page_table> tables = {};
  bool drawings_first = false;  ///< before the tables
};

/// The page. It loads nothing (a content policy forbids it), needs no script, follows light and dark, prints.
/// Names are text, whatever is in them. \throws error [dnalm.input.582] when there is no item.
[[nodiscard]] std::string attribution_page(const attribution_summary& about,
                                           std::span<const attribution_item> items);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/attribution_page_impl.hpp>
#endif
