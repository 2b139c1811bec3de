// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/svg.hpp.
#pragma once

#include <cmath>
#include <cstdio>

#include <dnalm/core/error.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// A coordinate with at most two decimals: `12`, `12.5`, `-0.25`.
DNALM_INLINE std::string coordinate(double value) {
  if (!std::isfinite(value) || std::abs(value) > 1e7) {
    throw error(error_kind::numeric, 580, "a drawing got a coordinate that cannot be drawn",
                {.expected = "a finite number within +-1e7", .found = io::format_number(value)});
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string number(text);
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number == "-0" ? "0" : number;
}

DNALM_INLINE std::string attribute(std::string_view name, double value) {
  return std::string(" ").append(name).append("=\"").append(coordinate(value)).append("\"");
}

DNALM_INLINE std::string attribute(std::string_view name, std::string_view value) {
  return std::string(" ").append(name).append("=\"").append(escape_markup(value)).append("\"");
}

DNALM_INLINE std::string point_list(const std::vector<point>& points) {
  std::string list;
  for (const point& p : points) {
    if (!list.empty()) list.push_back(' ');
    list.append(coordinate(p.x)).append(",").append(coordinate(p.y));
  }
  return list;
}

}  // namespace detail

DNALM_INLINE svg_drawing::svg_drawing(const svg_frame& frame) {
  using detail::attribute;
  const std::string title_id = frame.id + "-title";
  const std::string description_id = frame.id + "-desc";
  const std::string box = "0 0 " + detail::coordinate(frame.width) + " " + detail::coordinate(frame.height);
  body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\"";
  body_.append(attribute("viewBox", box)).append(attribute("width", frame.width));
  body_.append(attribute("height", frame.height)).append(" class=\"dnalm-chart\" role=\"img\"");
  const bool described = !frame.description.empty();
  const std::string labels = described ? title_id + " " + description_id : title_id;
  body_.append(attribute("aria-labelledby", labels)).append(">\n");
  body_.append("<title").append(attribute("id", title_id)).append(">");
  body_.append(escape_markup(frame.title)).append("</title>\n");
  if (described) {
    body_.append("<desc").append(attribute("id", description_id)).append(">");
    body_.append(escape_markup(frame.description)).append("</desc>\n");
  }
  if (!frame.style.empty()) body_.append("<style>\n").append(frame.style).append("</style>\n");
}

DNALM_INLINE void svg_drawing::shape(std::string_view element, const std::string& attributes,
                                     std::string_view css_class) {
  body_.append("<").append(element).append(attributes).append(detail::attribute("class", css_class));
  body_.append("/>\n");
}

DNALM_INLINE void svg_drawing::line(point from, point to, std::string_view css_class) {
  using detail::attribute;
  shape("line",
        attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) + attribute("y2", to.y),
        css_class);
}

DNALM_INLINE void svg_drawing::polyline(const std::vector<point>& points, std::string_view css_class) {
  shape("polyline", detail::attribute("points", detail::point_list(points)), css_class);
}

DNALM_INLINE void svg_drawing::polygon(const std::vector<point>& points, std::string_view css_class) {
  shape("polygon", detail::attribute("points", detail::point_list(points)), css_class);
}

DNALM_INLINE void svg_drawing::rectangle(point corner, double width, double height,
                                         std::string_view css_class, double radius) {
  using detail::attribute;
  std::string attributes = attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", width) +
                           attribute("height", height);
  if (radius > 0) attributes += attribute("rx", radius);
  shape("rect", attributes, css_class);
}

DNALM_INLINE void svg_drawing::circle(point centre, double radius, std::string_view css_class) {
  using detail::attribute;
  shape("circle", attribute("cx", centre.x) + attribute("cy", centre.y) + attribute("r", radius), css_class);
}

DNALM_INLINE void svg_drawing::path(std::string_view data, std::string_view css_class,
                                    std::string_view colour) {
  using detail::attribute;
  shape("path", attribute("d", data) + (colour.empty() ? std::string() : attribute("fill", colour)),
        css_class);
}

DNALM_INLINE void svg_drawing::define(std::string_view id, std::string_view data, std::string_view colour) {
  using detail::attribute;
  body_.append("<defs><path").append(attribute("id", id)).append(attribute("d", data));
  body_.append(attribute("fill", colour)).append(" fill-rule=\"evenodd\"/></defs>\n");
}

DNALM_INLINE void svg_drawing::place(std::string_view id, point corner, double width, double height) {
  using detail::attribute;
  using detail::coordinate;
  const std::string matrix = "matrix(" + coordinate(width) + " 0 0 " + coordinate(height) + " " +
                             coordinate(corner.x) + " " + coordinate(corner.y) + ")";
  body_.append("<use").append(attribute("href", "#" + std::string(id)));
  body_.append(attribute("transform", matrix)).append("/>\n");
}

DNALM_INLINE std::string coordinate_text(double value) {
  return detail::coordinate(value);
}

DNALM_INLINE void svg_drawing::text(point at, std::string_view words, std::string_view css_class,
                                    text_anchor anchor, double rotation) {
  using detail::attribute;
  using detail::coordinate;
  body_.append("<text").append(attribute("x", at.x)).append(attribute("y", at.y));
  if (anchor != text_anchor::start) {
    body_.append(attribute("text-anchor", anchor == text_anchor::middle ? "middle" : "end"));
  }
  if (rotation != 0) {
    const std::string turn =
        "rotate(" + coordinate(rotation) + " " + coordinate(at.x) + " " + coordinate(at.y) + ")";
    body_.append(attribute("transform", turn));
  }
  body_.append(attribute("class", css_class)).append(">").append(escape_markup(words)).append("</text>\n");
}

DNALM_INLINE void svg_drawing::begin_group(std::string_view css_class, std::string_view tip) {
  body_.append("<g").append(detail::attribute("class", css_class)).append(">\n");
  if (!tip.empty()) body_.append("<title>").append(escape_markup(tip)).append("</title>\n");
  ++open_groups_;
}

DNALM_INLINE void svg_drawing::end_group() {
  body_.append("</g>\n");
  --open_groups_;
}

DNALM_INLINE std::string svg_drawing::finish() const {
  if (open_groups_ != 0) {
    throw error(error_kind::internal, 581, "a drawing was finished while a group was open",
                {.expected = "0 open groups", .found = std::to_string(open_groups_)});
  }
  return body_ + "</svg>\n";
}

}  // namespace report
DNALM_END_NAMESPACE
