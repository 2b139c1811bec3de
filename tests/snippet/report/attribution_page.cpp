// SPDX-License-Identifier: Apache-2.0
// A page of one logo and a table; names are text whatever is in them.
#include <iostream>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/sequence_logo.hpp>

int main() {
  dnalm::report::sequence_logo logo;
  logo.title = "peak 1";
  logo.values = dnalm::one_hot_map("GATTACA");
  const std::vector<dnalm::report::attribution_item> items = {
      {.name = "peak <1>", .facts = {{"length", "7"}}, .drawing = draw(logo)}};
  dnalm::report::attribution_summary about;
  about.method = "saliency";
  about.explanation = "The gradient.";
  about.sequences = 3;
  about.tables = {{.title = "Motifs", .columns = {"motif", "sites"}, .rows = {{"GATA<1>", "2"}}}};
  const std::string page = dnalm::report::attribution_page(about, items);
  std::cout << (page.find("peak &lt;1&gt;") != std::string::npos) << ' '
            << (page.find("3 sequences, 1 of them shown") != std::string::npos) << ' '
            << (page.find("<td>GATA&lt;1&gt;</td><td class=\"number\">2</td>") != std::string::npos) << ' '
            << (page.find("<script") == std::string::npos) << '\n';
  about.lead = "7 motifs";
  about.drawings_first = true;
  const std::string other = dnalm::report::attribution_page(about, items);
  std::cout << (other.find("7 motifs") < other.find("peak &lt;1&gt;")) << ' '
            << (other.find("peak &lt;1&gt;") < other.find("<td>GATA&lt;1&gt;</td>")) << '\n';
}
