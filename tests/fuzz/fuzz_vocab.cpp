// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A folder with vocab.txt and a text: `tokenizer_config.json`, `%%`, `vocab.txt`, `%%`, the text.
///
/// The first byte says which file names the folder has: vocab.txt, tokenizer.json (of the small tokenizers
/// that are read faster than by the general reader), or neither but a config.json.
#include <dnalm/tokenize/tokenizer.hpp>

#include "fuzz_tokens.hpp"

namespace {

using namespace dnalm_fuzz;

/// A tokenizer as tokenizer_base, which check_encoding takes.
class adapter final : public dnalm::tokenizer_base {
 public:
  explicit adapter(dnalm::tokenizer inner)
      : literal_(inner.with_policy(dnalm::unknown_policy::literal)), inner_(std::move(inner)) {}
  [[nodiscard]] dnalm::token_sequence encode(std::string_view text) const override {
    return literal_.encode(text);
  }
  [[nodiscard]] dnalm::token_sequence encode_sequence(std::string_view text, dnalm::unknown_policy policy,
                                                      const std::string& where) const override {
    return inner_.with_policy(policy).encode(text, where);
  }
  [[nodiscard]] const dnalm::special_tokens& special() const override { return inner_.special(); }
  [[nodiscard]] index_t vocabulary_size() const override { return inner_.vocabulary_size(); }
  [[nodiscard]] const std::string& token(int id) const override { return inner_.token(id); }
  [[nodiscard]] index_t model_max_length() const override { return inner_.model_max_length(); }
  [[nodiscard]] std::string description() const override { return inner_.description(); }

 private:
  dnalm::tokenizer literal_;
  dnalm::tokenizer inner_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const memory_folder folder("vocab");
  input in(data, size);
  const char* const file = (in.byte() & 1) == 0 ? "vocab.txt" : "tokenizer.json";
  folder.write("tokenizer_config.json", in.section());
  folder.write(file, in.section());
  const std::string_view text = in.rest().empty() ? "ACGTNacguTTGCA <mask> x" : in.rest();
  guarded([&] { check_encoding(adapter(dnalm::load_tokenizer(folder.path())), text); },
          folder.path().string());
  folder.remove(file);
  return 0;
}
