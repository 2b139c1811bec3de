// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Numbers and words for tables, figures and pages.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// A number with `digits` decimals and a true minus sign, for people: `0.62`, `−0.05`; `–` for NaN.
[[nodiscard]] std::string rounded_text(double value, int digits);

/// An integer with commas between thousands, for people: `1,778`.
[[nodiscard]] std::string grouped_text(index_t value);

/// Text for HTML or SVG, inside elements and quoted attributes: `& < > " '` become entities, control
/// characters and bytes that are not UTF-8 become U+FFFD. Whatever a model folder or a target is called, it
/// stays text.
[[nodiscard]] std::string escape_markup(std::string_view text);

/// A name that is safe as a file name: letters, digits, `. _ -` stay, everything else becomes `_`; never
/// empty, never hidden, at most 120 bytes.
[[nodiscard]] std::string file_name_text(std::string_view text);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/text_impl.hpp>
#endif
