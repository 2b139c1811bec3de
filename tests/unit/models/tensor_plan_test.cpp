// SPDX-License-Identifier: Apache-2.0
// The published configurations: parameter counts, tensor counts and limits that need no weights.
#include <algorithm>
#include <string>

#include <dnalm/models/load_model.hpp>
#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>

namespace {

using dnalm::index_t;

std::string esm_config(bool second, index_t layers, index_t width, index_t heads, index_t inner) {
  const auto number = [](index_t n) { return std::to_string(n); };
  return std::string("{\"architectures\": [\"EsmForMaskedLM\"], \"emb_layer_norm_before\": false, ") +
         (second ? "\"add_bias_fnn\": false, \"auto_map\": {\"AutoConfig\": \"esm_config.EsmConfig\"}, "
                 : "\"model_type\": \"esm\", ") +
         "\"hidden_size\": " + number(width) +
         ", \"initializer_range\": 0.02, \"intermediate_size\": " + number(inner) +
         ", \"layer_norm_eps\": 1e-12, \"mask_token_id\": 2, \"max_position_embeddings\": " +
         (second ? "2050" : "1002") + ", \"num_attention_heads\": " + number(heads) +
         ", \"num_hidden_layers\": " + number(layers) +
         ", \"pad_token_id\": 1, \"position_embedding_type\": " + (second ? "\"rotary\"" : "\"absolute\"") +
         ", \"tie_word_embeddings\": false, \"token_dropout\": " + (second ? "false" : "true") +
         ", \"vocab_list\": null, \"vocab_size\": " + (second ? "4107" : "4105") + "}";
}

dnalm::encoder_config parse(const std::string& text) {
  const dnalm_test::temporary_folder folder("plan");
  dnalm_test::write_text(folder.path() / "config.json", text);
  return dnalm::read_encoder_config(folder.path());
}

index_t parameters(const std::string& text) {
  return count_parameters(dnalm::plan_tensors(parse(text)));
}

/// Tensors that the published file of a configuration has.
index_t tensors(const std::string& text) {
  index_t count = 0;
  for (const auto& tensor : dnalm::plan_tensors(parse(text))) count += tensor.same_as.empty() ? 1 : 0;
  return count;
}

const std::string dnabert2 =
    R"({"alibi_starting_size": 512, "auto_map": {"AutoConfig": "configuration_bert.BertConfig",
 "AutoModelForMaskedLM": "bert_layers.BertForMaskedLM"}, "hidden_act": "gelu", "hidden_size": 768,
 "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
 "num_attention_heads": 12, "num_hidden_layers": 12, "position_embedding_type": "absolute", "type_vocab_size": 2,
 "vocab_size": 4096})";

/// A stock BERT of 12 layers as DNABERT publishes it, with other keys after it.
std::string bert_config(index_t vocabulary, const std::string& more = "") {
  return R"({"architectures": ["BertForMaskedLM"], "hidden_act": "gelu", "hidden_size": 768,
 "intermediate_size": 3072, "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": 12,
 "type_vocab_size": 2, "vocab_size": )" +
         std::to_string(vocabulary) + more + "}";
}

std::string sized(const std::string& type, index_t layers, index_t width, index_t heads, index_t inner,
                  index_t vocabulary, const std::string& more = "") {
  const auto number = [](index_t n) { return std::to_string(n); };
  return "{\"model_type\": \"" + type + "\", \"num_hidden_layers\": " + number(layers) +
         ", \"hidden_size\": " + number(width) + ", \"num_attention_heads\": " + number(heads) +
         ", \"intermediate_size\": " + number(inner) + ", \"vocab_size\": " + number(vocabulary) + more + "}";
}

/// Parameters of the tensors whose names begin so, whether the masked-language model has them or not.
index_t parameters_under(const std::string& text, const std::string& prefix) {
  index_t count = 0;
  for (const auto& tensor : dnalm::plan_tensors(parse(text))) {
    const bool buffer = tensor.kind == dnalm::tensor_kind::buffer;
    if (tensor.name.starts_with(prefix) && !buffer) count += dnalm::checked_size(tensor.shape);
  }
  return count;
}

const std::string published = R"(, "tensor_names": "published")";

}  // namespace

TEST_CASE("the published models have their published numbers of parameters", "[models]") {
  CHECK(parameters(esm_config(false, 24, 1280, 20, 5120)) == 485699306);    // NT-v1 500M
  CHECK(parameters(esm_config(false, 32, 2560, 20, 10240)) == 2547801226);  // NT-v1 2.5B
  CHECK(parameters(esm_config(true, 12, 512, 16, 2048)) == 55904972);       // NT-v2 50M
  CHECK(parameters(esm_config(true, 22, 512, 16, 2048)) == 97889132);       // NT-v2 100M
  CHECK(parameters(esm_config(true, 24, 768, 16, 3072)) == 235120780);      // NT-v2 250M
  CHECK(parameters(esm_config(true, 29, 1024, 16, 4096)) == 498345436);     // NT-v2 500M
  CHECK(parameters(dnabert2) == 117074176);  // DNABERT-2, masked-language model
}

// Where nothing else is said: counted from the reference implementation's class with the published
// configuration.
TEST_CASE("the relatives have their published numbers of parameters", "[models]") {
  const index_t kmer_tokens[] = {69, 261, 1029, 4101};
  const index_t masked[] = {86095941, 86243589, 86834181, 89196549};
  const index_t pooled[] = {86094336, 86241792, 86831616, 89190912};  // 86.09, 86.24, 86.83, 89.19 M
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(parameters(bert_config(kmer_tokens[i])) == masked[i]);
    CHECK(parameters_under(bert_config(kmer_tokens[i]), "bert.") == pooled[i]);
  }
  const std::string gena = R"(, "model_type": "bert", "pre_layer_norm": true)";
  CHECK(parameters(bert_config(32000, gena + R"(, "last_layer_norm": false)")) == 110650880);  // GENA-LM base
  CHECK(parameters(bert_config(32000, gena)) == 110652416);                                    // lastln
  CHECK(parameters(sized("bert", 24, 1024, 16, 4096, 32000,
                         R"(, "pre_layer_norm": true, "max_position_embeddings": 512)")) == 336691456);
  const std::string tokens = R"(, "max_position_embeddings": )";
  CHECK(parameters(sized("big_bird", 12, 768, 12, 3072, 32000, tokens + "4096")) == 113993984);
  CHECK(parameters(sized("bert", 6, 512, 16, 2048, 10, tokens + "1026")) == 19710474);  // SpliceBERT 1024nt
  CHECK(parameters(sized("bert", 6, 512, 16, 2048, 10, tokens + "512")) == 19447306);   // SpliceBERT 510nt
  const std::string esm = tokens + R"(1026, "position_embedding_type": "rotary", "pad_token_id": 1)";
  CHECK(parameters(sized("esm", 6, 320, 20, 1280, 33, esm)) == 7840794);  // ESM-2 8M
  CHECK(parameters(sized("esm", 12, 480, 20, 1920, 33, esm)) == 33993874);
  CHECK(parameters(sized("esm", 33, 1280, 20, 5120, 33, esm)) == 652356534);
  CHECK(parameters(sized("rnafm", 12, 640, 20, 5120, 25, published)) == 99521305);  // 99.5 M
  CHECK(parameters(sized("rinalmo", 33, 1280, 20, 5120, 22, published)) == 650901793);
  CHECK(parameters(sized("rinalmo", 30, 640, 20, 2560, 22, published)) == 148056972);
  CHECK(parameters(sized("rinalmo", 12, 480, 20, 1920, 22, published)) == 33491074);
  CHECK(parameters(sized("rinalmo", 6, 320, 20, 1280, 22, published)) == 7508824);
  CHECK(parameters(sized("modernbert", 22, 768, 12, 1152, 32000)) == 135530240);  // ModernGENA base, 135 M
  CHECK(parameters(sized("modernbert", 28, 1024, 16, 2624, 32000)) == 377054464);
}

TEST_CASE("the published checkpoints have their published numbers of tensors", "[models]") {
  CHECK(tensors(esm_config(false, 32, 2560, 20, 10240)) == 525);
  // NT-v2's files have no position_ids, which the plan allows.
  CHECK(tensors(esm_config(true, 12, 512, 16, 2048)) == 192 + 1);
}

TEST_CASE("the published models have their published token limits", "[models]") {
  CHECK(token_limit(parse(esm_config(false, 24, 1280, 20, 5120)), std::nullopt) == 1000);
  CHECK(token_limit(parse(esm_config(true, 12, 512, 16, 2048)), std::nullopt) == 2048);
  CHECK(token_limit(parse(dnabert2), std::nullopt) == 0);
  CHECK(token_limit(parse(bert_config(69)), std::nullopt) == 512);
  CHECK(token_limit(parse(sized("rnafm", 12, 640, 20, 5120, 25, published)), std::nullopt) == 1024);
  CHECK(token_limit(parse(sized("rnafm", 12, 640, 20, 5120, 28)), std::nullopt) == 1024);
  CHECK(token_limit(parse(sized("rinalmo", 6, 320, 20, 1280, 22, published)), std::nullopt) == 0);
  CHECK(token_limit(parse(sized("modernbert", 22, 768, 12, 1152, 32000)), std::nullopt) == 8192);
  CHECK(
      token_limit(parse(sized("big_bird", 12, 768, 12, 3072, 32000, R"(, "max_position_embeddings": 4096)")),
                  std::nullopt) == 704);
}

TEST_CASE("ESM position rows count the tokens that are no padding", "[nn]") {
  dnalm::ragged_offsets offsets;
  offsets.append(4);
  offsets.append(2);
  std::vector<std::int32_t> rows;
  const std::vector<std::int32_t> ids{12, 31, 13, 1, 1, 5};
  dnalm::learned_positions(ids, offsets, 1, rows);
  CHECK(rows == std::vector<std::int32_t>{2, 3, 4, 1, 1, 2});  // the published test: pad+1, pad+2, pad+3, pad
}

TEST_CASE("token dropout rescales by 0.88 over the share of unmasked tokens, per sequence", "[nn]") {
  dnalm::ragged_offsets offsets;
  offsets.append(4);
  offsets.append(3);
  std::vector<double> factors;
  const std::vector<std::int32_t> ids{3, 2, 5, 6, 3, 7, 8};
  dnalm::token_dropout_factors(ids, offsets, 2, factors);
  const double masked = 0.88 / static_cast<double>(1.0F - 0.25F);
  CHECK(factors == std::vector<double>{masked, 0.0, masked, masked, 0.88, 0.88, 0.88});
}
