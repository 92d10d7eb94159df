#include "core/storage/block_pool.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::size_t kMaxBlocks = 65'534;

}  // namespace

BlockPool::BlockPool(std::span<std::int16_t> samples, std::span<std::uint16_t> links) {
    const std::size_t blocks =
        std::min<std::size_t>({samples.size() / kBlockSamples, links.size(), kMaxBlocks});
    samples_ = samples.first(blocks * kBlockSamples);
    links_ = links.first(blocks);
    free_blocks_ = static_cast<std::uint32_t>(blocks);
    for (std::size_t block = 0; block < blocks; ++block)
        links_[block] = static_cast<std::uint16_t>(block + 1);
}

bool BlockPool::append(BlockChain& chain) {
    if (free_blocks_ == 0) return false;
    const std::uint16_t block = free_block_;
    free_block_ = links_[block];
    --free_blocks_;
    if (chain.blocks == 0) {
        chain.first = block;
    } else {
        links_[chain.last] = block;
    }
    chain.last = block;
    ++chain.blocks;
    return true;
}

void BlockPool::release_first(BlockChain& chain) {
    const std::uint16_t block = chain.first;
    chain.first = links_[block];
    --chain.blocks;
    release(block, block, 1);
}

void BlockPool::truncate(BlockChain& chain, std::uint32_t blocks) {
    if (blocks >= chain.blocks) return;
    if (blocks != 0) {
        const std::uint16_t last = block_at(chain, blocks - 1);
        release(links_[last], chain.last, chain.blocks - blocks);
        chain.last = last;
    } else {
        release(chain.first, chain.last, chain.blocks);
    }
    chain.blocks = blocks;
}

void BlockPool::copy(const BlockChain& chain, std::uint32_t offset, std::span<std::int16_t> out) const {
    std::uint16_t block = block_at(chain, offset / kBlockSamples);
    std::size_t at = offset % kBlockSamples;
    while (!out.empty()) {
        const auto part = samples_of(block).subspan(at);
        const std::size_t count = std::min(part.size(), out.size());
        std::copy_n(part.begin(), count, out.begin());
        out = out.subspan(count);
        at = 0;
        block = links_[block];
    }
}

void BlockPool::release(std::uint16_t first, std::uint16_t last, std::uint32_t count) {
    links_[last] = free_block_;
    free_block_ = first;
    free_blocks_ += count;
}

std::uint16_t BlockPool::block_at(const BlockChain& chain, std::uint32_t index) const {
    std::uint16_t block = chain.first;
    for (; index > 0; --index) block = links_[block];
    return block;
}

std::span<std::int16_t> BlockPool::samples_of(std::uint16_t block) const {
    return samples_.subspan(std::size_t{block} * kBlockSamples, kBlockSamples);
}

}  // namespace stetho
