// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/attribution_page.hpp.
#pragma once

#include <dnalm/core/error.hpp>
#include <dnalm/core/version.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/detail/page_parts.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

DNALM_INLINE std::string attribution_section(const attribution_item& item) {
  std::string facts;
  for (const setting& each : item.facts) facts += fact(each.name, each.value);
  std::string inside = element("h2", escape_markup(item.name)) + "\n";
  if (!facts.empty()) inside += element("dl", "\n" + facts) + "\n";
  if (!item.drawing.empty()) inside += element("figure", "\n" + item.drawing);
  return element("section", "\n" + inside) + "\n";
}

/// One line of a table: its first field stands left, the others right.
DNALM_INLINE std::string table_line(const std::vector<std::string>& fields, std::string_view cell) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    line += element(cell, escape_markup(fields[i]), i == 0 ? "" : "number");
  }
  return element("tr", line) + "\n";
}

DNALM_INLINE std::string table_section(const page_table& table) {
  std::string lines = table_line(table.columns, "th");
  for (std::vector<std::string> row : table.rows) {
    row.resize(table.columns.size());
    lines += table_line(row, "td");
  }
  return element("section", "\n" + element("h2", escape_markup(table.title)) + "\n" +
                                element("p", escape_markup(table.explanation)) + "\n" +
                                element("div", element("table", "\n" + lines), "scroll") + "\n") +
         "\n";
}

DNALM_INLINE std::string attribution_making(const attribution_summary& about) {
  std::string facts;
  for (const setting& each : about.settings) facts += fact(each.name, each.value);
  for (const setting& each : software_versions()) facts += fact(each.name, each.value);
  return element("section", "\n" + element("h2", "How it was made") + "\n" +
                                element("pre", escape_markup(command_line(about.command))) + "\n" +
                                element("dl", "\n" + facts)) +
         "\n";
}

}  // namespace detail

DNALM_INLINE std::string attribution_page(const attribution_summary& about,
                                          std::span<const attribution_item> items) {
  using namespace detail;
  if (items.empty()) throw error(error_kind::input, 582, "a page of attributions has nothing to show", {});
  const auto shown = static_cast<index_t>(items.size());
  std::string lead = grouped_text(about.sequences) + (about.sequences == 1 ? " sequence" : " sequences");
  if (shown < about.sequences) lead += ", " + grouped_text(shown) + " of them shown";
  if (!about.lead.empty()) lead = about.lead;
  std::string body = element("h1", "Which nucleotides matter: " + escape_markup(about.method)) + "\n" +
                     element("p", escape_markup(lead), "lead") + "\n" +
                     element("p", escape_markup(about.explanation)) + "\n";
  std::string tables;
  for (const page_table& table : about.tables) tables += table_section(table);
  if (!about.drawings_first) body += tables;
  for (const attribution_item& item : items) body += attribution_section(item);
  if (about.drawings_first) body += tables;
  body += attribution_making(about);
  body += element("footer", "Made by dnalm-attribute " DNALM_VERSION_STRING ".");
  return whole_page(escape_markup(about.method + " - dnalm"), page_style(), body);
}

}  // namespace report
DNALM_END_NAMESPACE
