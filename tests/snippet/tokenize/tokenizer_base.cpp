// SPDX-License-Identifier: Apache-2.0
// A tokenizer of your own: one token per base, behind the same interface as the built-in ones.
#include <iostream>
#include <memory>

#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>

class base_tokenizer final : public dnalm::tokenizer_base {
 public:
  dnalm::token_sequence encode(std::string_view text) const override {
    dnalm::token_sequence tokens;
    dnalm::index_t at = 0;
    for (const char letter : text) {
      tokens.append(dnalm::base_code(letter), at, at + 1);
      ++at;
    }
    return tokens;
  }
  const dnalm::special_tokens& special() const override { return special_; }
  dnalm::index_t vocabulary_size() const override { return 5; }
  const std::string& token(int id) const override { return dnalm::detail::token_text(tokens_, id); }
  dnalm::index_t model_max_length() const override { return 0; }
  std::string description() const override { return "single bases"; }

 private:
  std::vector<std::string> tokens_ = {"A", "C", "G", "T", "N"};
  dnalm::special_tokens special_;
};

int main() {
  const dnalm::tokenizer tokenizer(std::make_shared<base_tokenizer>());
  std::cout << tokenizer.description() << ":";
  for (const int id : tokenizer.encode("gattaca").ids) std::cout << " " << id;
  std::cout << "\n";
}
