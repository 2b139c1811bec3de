// SPDX-License-Identifier: Apache-2.0
// Fewer sequences than threads: the threads share the work of one batch, and no more of them run than were
// asked for.
#include <algorithm>
#include <string>
#include <vector>

#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/thread_counter.hpp>
#include <unit/embed/twins.hpp>

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::bits_of;
using dnalm_test::nt_twin;
using dnalm_test::random_sequence;

namespace {

std::vector<dnalm::model> small_models() {
  return {nt_twin(), dnalm_test::dnabert2_twin(), nt_twin({.backend = dnalm::backend_kind::reference})};
}

/// The most threads that this process has while results are handed over.
class thread_watcher final : public dnalm::embedding_sink {
 public:
  void begin(const dnalm::embedding_shape&) override { look(); }
  void consume(index_t, const dnalm::embedding_block&) override { look(); }
  [[nodiscard]] int most() const { return most_; }

 private:
  void look() { most_ = std::max(most_, dnalm_test::running_threads()); }
  int most_ = 0;
};

}  // namespace

TEST_CASE("one sequence has the same bits on any number of threads", "[embed][team]") {
  for (const auto& model : small_models()) {
    for (const index_t bases : {1, 90, 1400}) {
      const std::vector<std::string> sequences = {random_sequence(1, bases)};
      const dnalm::embed_options options{.poolings = {pooling::tokens, pooling::mean}, .logits = true};
      auto with = [&](int threads) {
        dnalm::embed_options copy = options;
        copy.threads = threads;
        return bits_of(dnalm::embed(model, sequences, copy));
      };
      const std::vector<float> expected = with(1);
      for (const int threads : {2, 3, 8}) {
        INFO(model.describe().backend << ", " << bases << " bases, " << threads << " threads");
        REQUIRE(with(threads) == expected);
      }
    }
  }
}

TEST_CASE("fewer batches than threads give the bits of one thread", "[embed][team]") {
  const auto model = nt_twin();
  std::vector<std::string> sequences;
  for (std::uint64_t i = 0; i < 5; ++i)
    sequences.push_back(random_sequence(i, 60 + 100 * static_cast<index_t>(i)));
  for (const index_t window : {0, 40}) {
    const auto with = [&](int threads, index_t batch) {
      return bits_of(dnalm::embed(model, sequences,
                                  {.poolings = {pooling::tokens, pooling::max},
                                   .window = {.tokens = window},
                                   .threads = threads,
                                   .batch_sequences = batch}));
    };
    const auto expected = with(1, 0);
    REQUIRE(with(3, 2) == expected);  // as many batches as threads, and then fewer
    REQUIRE(with(4, 2) == expected);
    REQUIRE(with(16, 2) == expected);
  }
}

TEST_CASE("no more threads run than were asked for, none beside the caller for one", "[embed][team]") {
  const auto model = nt_twin();
  std::vector<std::string> many(40, random_sequence(7, 300));
  const int before = dnalm_test::running_threads();
  for (const int threads : {1, 2, 4}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}, many.size()}) {
      std::vector<dnalm::io::sequence_record> records(count);
      for (auto& record : records) record = {.name = "s", .sequence = many[0]};
      thread_watcher watcher;
      dnalm::embed(model, records, {.threads = threads, .batch_sequences = 1}, watcher);
      INFO(threads << " threads, " << count << " sequences");
      REQUIRE(watcher.most() <= before + threads - 1);
      if (threads == 1) REQUIRE(watcher.most() == before);
      REQUIRE(dnalm_test::running_threads() == before);
    }
  }
}

TEST_CASE("forward and gradients in a team's workspace have the bits of one thread", "[embed][team]") {
  for (const auto& model : small_models()) {
    const auto tokens = model.tokenize(random_sequence(4, 700));
    dnalm::ragged_offsets offsets;
    offsets.append(tokens.size());
    const auto with = [&](dnalm::forward_workspace& workspace) {
      std::vector<float> bits;
      const auto take = [&](dnalm::matrix_view<const float> x) {
        for (index_t r = 0; r < x.rows; ++r) bits.insert(bits.end(), x.row(r).begin(), x.row(r).end());
      };
      dnalm::gradient_request request{.layers = {0, 1}, .tokens = true};
      request.hidden = [](index_t, dnalm::matrix_view<const float> hidden,
                          dnalm::matrix_view<float> gradient) {
        for (index_t r = 0; r < hidden.rows; ++r) {
          for (index_t c = 0; c < hidden.columns; ++c) gradient(r, c) = 0.5F * hidden(r, c);
        }
      };
      request.logits = [](dnalm::matrix_view<const float> logits, dnalm::matrix_view<float> gradient) {
        for (index_t r = 0; r < logits.rows; ++r) gradient(r, r % logits.columns) = 1.0F;
      };
      for (int repeat = 0; repeat < 2; ++repeat) {
        model.forward(
            {tokens.ids, offsets}, [&](index_t, auto hidden) { take(hidden); }, take, workspace);
        model.input_gradients(
            {tokens.ids, offsets}, request,
            [&](const dnalm::input_gradient& gradient) {
              take(gradient.words);
              take(gradient.tokens);
            },
            workspace);
      }
      return bits;
    };
    dnalm::forward_workspace alone;
    const std::vector<float> expected = with(alone);
    REQUIRE(expected.size() > 1000);
    REQUIRE(model.works_on_teams() == (model.describe().backend == "cpu"));
    for (const int threads : {1, 2, 5}) {
      dnalm::thread_team team(threads);
      dnalm::forward_workspace together(team);
      REQUIRE(with(together) == expected);
    }
  }
}
