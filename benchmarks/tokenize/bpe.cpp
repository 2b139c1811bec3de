// SPDX-License-Identifier: Apache-2.0
// Times tokenizer.json tokenizers on one thread; benchmarks/peers/tokenize_bpe.py runs it beside its peers.
//
//   dnalm_bench_tokenize_bpe LABEL=tokenizer.json[,...] LABEL=sequences.txt ...
//
// sequences.txt: one sequence a line. Prints one line of JSON for each tokenizer and file: CPU seconds and
// wall seconds to encode each sequence once (ids and offsets), bases, tokens.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>

namespace {

using labelled = std::pair<std::string, std::string>;

labelled split_label(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos) throw std::invalid_argument("LABEL=FILE expected: " + text);
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<labelled> split_list(const std::string& text) {
  std::vector<labelled> result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    result.push_back(split_label(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return result;
}

std::vector<std::string> read_lines(const std::string& name) {
  std::ifstream file(name);
  if (!file) throw std::invalid_argument("cannot read " + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

void measure(const dnalm::tokenizer_base& tokenizer, const std::string& name, const labelled& sequences) {
  const std::vector<std::string> lines = read_lines(sequences.second);
  std::size_t bases = 0;
  for (const std::string& line : lines) bases += line.size();
  dnalm::index_t tokens = 0;
  const auto wall = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  for (const std::string& line : lines) tokens += tokenizer.encode(line).size();
  const double cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> wall_seconds = std::chrono::steady_clock::now() - wall;
  std::cout << "{\"tokenizer\": \"" << name << "\", \"sequences\": \"" << sequences.first
            << "\", \"cpu_seconds\": " << cpu_seconds << ", \"wall_seconds\": " << wall_seconds.count()
            << ", \"bases\": " << bases << ", \"tokens\": " << tokens << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::invalid_argument("LABEL=tokenizer.json[,...] LABEL=sequences.txt ... expected");
  for (const auto& [name, path] : split_list(argv[1])) {
    std::ifstream file(path);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto tokenizer = dnalm::make_json_tokenizer(text, {}, path);
    for (int i = 2; i < argc; ++i) measure(*tokenizer, name, split_label(argv[i]));
  }
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
