// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief report.html: one self-contained page with the findings in words, the charts, the table and the
/// making.
#pragma once

#include <span>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/report/manifest.hpp>
#include <dnalm/report/result_table.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// What a target's rows say, in plain words: the best layer, how it stands against baselines and random
/// weights, and whether the intervals overlap.
[[nodiscard]] std::string finding_in_words(std::span<const result_row> rows, const std::string& target);

/// The page. It loads nothing (a content policy forbids it), needs no script, follows light and dark, prints.
/// \throws error [dnalm.input.582] when there is no row.
[[nodiscard]] std::string report_page(std::span<const result_row> rows, const manifest& made);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/html_impl.hpp>
#endif
