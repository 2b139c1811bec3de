// SPDX-License-Identifier: Apache-2.0
// Speed of the tokenizers of k-mers and single letters, one thread, beside a copy of their output.
//
//   dnalm_bench_tokenize_letters SEQUENCES [REPEATS]
//
// SEQUENCES: one sequence a line, all of one length. Prints a table: tokenizer, letters of a sequence, MB/s
// of each repeat (10^6 letters a second of processor time, the sequences as they are given), and the same for
// `copy`: copying the same ids from an old vector into a new one, reserved as the tokenizers do it: what a
// tokenizer that returns its ids in new memory could reach at best.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/tokenize/detail/large_pages.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>
#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

namespace {

/// Seconds that this thread has computed, system calls included; not what it waited for other processes.
double seconds_of_thread() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<std::string> kmers(int k) {
  std::vector<std::string> words = {""};
  for (int i = 0; i < k; ++i) {
    std::vector<std::string> longer;
    for (const std::string& word : words) {
      for (const char letter : {'A', 'T', 'C', 'G'}) longer.push_back(word + letter);
    }
    words = std::move(longer);
  }
  return words;
}

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

struct contender {
  std::string name;
  dnalm::tokenizer tokenizer;
};

std::vector<contender> contenders() {
  const std::vector<std::string> bert = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  const std::vector<std::string> esm = {"<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"};
  const auto nt = joined(joined(esm, kmers(6)), {"A", "T", "C", "G", "N"});
  const auto letters = dnalm::bert_letter_rules(joined(bert, {"N", "A", "C", "G", "T"}), {}, "SpliceBERT");
  std::vector<contender> all;
  all.push_back({"6-mers (NT-v2)", dnalm::tokenizer(std::make_shared<dnalm::kmer_tokenizer>(
                                       nt, dnalm::tokenizer_config{}, "NT"))});
  for (const int k : {3, 6}) {
    all.push_back({"overlapping " + std::to_string(k) + "-mers (DNABERT)",
                   dnalm::tokenizer(std::make_shared<dnalm::overlapping_kmer_tokenizer>(
                       joined(bert, kmers(k)), dnalm::tokenizer_config{}, "DNABERT"))});
  }
  all.push_back({"single nucleotides (SpliceBERT)",
                 dnalm::tokenizer(std::make_shared<dnalm::nucleotide_tokenizer>(letters, "SpliceBERT"))});
  all.push_back({"single nucleotides (HyenaDNA)", dnalm::builtin_tokenizer("hyenadna")});
  return all;
}

/// 10^6 letters a second of `work` on all sequences, repeated until 0.1 s are over.
template <class Work>
double speed(const std::vector<std::string>& sequences, Work work) {
  std::size_t letters = 0;
  const double begin = seconds_of_thread();
  double seconds = 0;
  do {
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      work(i);
      letters += sequences[i].size();
    }
    seconds = seconds_of_thread() - begin;
  } while (seconds < 0.1);
  return static_cast<double>(letters) / seconds / 1e6;
}

std::int64_t sum = 0;  // keeps the results alive

void print(const std::string& name, const std::string& what, std::size_t length,
           const std::vector<double>& speeds) {
  std::cout << name << '\t' << what << '\t' << length;
  for (const double value : speeds) std::cout << '\t' << value;
  std::cout << '\n';
}

void measure(const contender& c, const std::vector<std::string>& sequences, int repeats) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const std::string& sequence : sequences) ids.push_back(c.tokenizer.encode(sequence).ids);
  std::vector<double> encode;
  std::vector<double> copy;
  for (int r = 0; r < repeats; ++r) {
    encode.push_back(speed(sequences, [&](std::size_t i) {
      const dnalm::token_sequence tokens = c.tokenizer.encode(sequences[i]);
      sum += tokens.ids.back() + tokens.end.back();
    }));
    copy.push_back(speed(sequences, [&](std::size_t i) {
      dnalm::token_sequence fresh;
      dnalm::detail::reserve_tokens(fresh, ids[i].size());
      fresh.ids.insert(fresh.ids.end(), ids[i].begin(), ids[i].end());
      sum += fresh.ids[fresh.ids.size() / 2];
    }));
  }
  print(c.name, "encode", sequences.front().size(), encode);
  print(c.name, "copy", sequences.front().size(), copy);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: dnalm_bench_tokenize_letters SEQUENCES [REPEATS]\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  std::vector<std::string> sequences{std::istream_iterator<std::string>(file), {}};
  if (sequences.empty()) {
    std::cerr << "no sequences in " << argv[1] << "\n";
    return 3;
  }
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 7;
  for (const contender& c : contenders()) measure(c, sequences, repeats);
  return sum == 42 ? 1 : 0;
}
