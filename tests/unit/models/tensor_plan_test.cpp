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

TEST_CASE("the published checkpoints have their published numbers of tensors", "[models]") {
  CHECK(tensors(esm_config(false, 32, 2560, 20, 10240)) == 525);
  // NT-v2's files have no position_ids, which the plan allows.
  CHECK(tensors(esm_config(true, 12, 512, 16, 2048)) == 192 + 1);
}

TEST_CASE("the published models have their published token limits", "[models]") {
  CHECK(token_limit(parse(esm_config(false, 24, 1280, 20, 5120)), std::nullopt) == 1000);
  CHECK(token_limit(parse(esm_config(true, 12, 512, 16, 2048)), std::nullopt) == 2048);
  CHECK(token_limit(parse(dnabert2), std::nullopt) == 0);
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
