// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/embed.hpp.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/embed/detail/chunk_split.hpp>
#include <dnalm/embed/detail/embed_job.hpp>
#include <dnalm/embed/detail/ordered_pipeline.hpp>
#include <dnalm/embed/detail/window_joiner.hpp>
#include <dnalm/embed/embed.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE void embed(const model& network, std::span<const io::sequence_record> sequences,
                        const embed_options& options, embedding_sink& sink) {
  detail::embed_job job = detail::prepare_job(network, sequences, options, sink);
  const int most = network.prefers().workers;
  const int threads =
      most == 0 ? thread_count(options.threads) : std::min(thread_count(options.threads), most);
  const std::vector<detail::sequence_load> loads = detail::sequence_loads(job);
  const auto chunks = detail::plan_chunks(loads, detail::choose_limits(job, loads, options, threads));

  const auto items = static_cast<index_t>(chunks.size());
  thread_team team(network.works_on_teams() && 2 * items <= threads ? threads : 1);
  const int workers = team.members() > 1 ? 1 : static_cast<int>(std::min<index_t>(threads, items));
  job.pass_bytes = detail::batch_memory(job, options) / workers;
  std::vector<forward_workspace> workspaces(static_cast<std::size_t>(workers), forward_workspace(team));
  detail::ordered_pipeline<detail::chunk_result> pipeline(items, workers, 2 * workers);
  detail::window_joiner joiner(job);
  const auto deliver = [&](index_t first, const embedding_block& block) {
    sink.consume(first, block);
    if (options.watcher != nullptr) options.watcher->advance(block.sequences);
  };
  sink.begin(job.shape);
  pipeline.run(
      [&](index_t item, int worker) {
        return detail::run_chunk(job, chunks[static_cast<std::size_t>(item)],
                                 workspaces[static_cast<std::size_t>(worker)]);
      },
      [&](index_t item, const detail::chunk_result& result) {
        const detail::sequence_chunk& chunk = chunks[static_cast<std::size_t>(item)];
        if (chunk.windows == 0) {
          deliver(chunk.first, result.block);
          return;
        }
        joiner.add(result);
        if (chunk.last) deliver(chunk.first, joiner.take(chunk.first));
      });
}

DNALM_END_NAMESPACE
