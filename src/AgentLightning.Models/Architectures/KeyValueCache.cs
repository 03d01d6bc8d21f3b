using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// Keys and values of many sequences, in pages of 32 tokens over all layers. Sequences share the full pages of what they have in common,
/// and a page goes back when the last of them ends. Keys lie as panels [head width × 32 tokens] and values as panels [32 tokens × 32],
/// ready to be multiplied.
/// </summary>
internal sealed unsafe class KeyValueCache : IDisposable
{
    public const int PageTokens = PanelKernel.Width;
    private readonly NativeBuffer _memory;
    private readonly int[] _references;
    private readonly Stack<int> _free;
    private readonly int _layers,
        _heads;
    private readonly long _keyFloats,
        _blockFloats;

    public KeyValueCache(AttentionShape shape, int layers, int pages)
    {
        (_layers, _heads) = (layers, shape.KeyValueHeads);
        _keyFloats = (long)shape.HeadWidth * PageTokens;
        _blockFloats = _keyFloats + ((long)shape.HeadPanels * PageTokens * PanelKernel.Width);
        MemoryBudget.Check($"A cache for {(long)pages * PageTokens} tokens", (double)pages * PageBytes);
        _memory = new NativeBuffer(pages * PageBytes, zeroed: false);
        _references = new int[pages];
        _free = new Stack<int>(Enumerable.Range(0, pages).Reverse());
    }

    public int FreePages => _free.Count;

    public int Pages => _references.Length;

    private long PageBytes => _layers * _heads * _blockFloats * sizeof(float);

    public KeyValueCacheView Layer(int layer) =>
        new(
            (float*)_memory.Data + (layer * _heads * _blockFloats),
            (nint)(PageBytes / sizeof(float)),
            (nint)_blockFloats,
            (nint)_keyFloats
        );

    public int Take()
    {
        if (!_free.TryPop(out var page))
        {
            throw new InvalidOperationException(
                $"All {Pages} pages of {PageTokens} tokens of the cache are taken. End sequences, or make the session with more tokens."
            );
        }

        _references[page] = 1;
        return page;
    }

    public void Share(int page) => _references[page]++;

    public bool IsShared(int page) => _references[page] > 1;

    public void Give(int page)
    {
        if (--_references[page] == 0)
        {
            _free.Push(page);
        }
    }

    public void Copy(int from, int to) =>
        Buffer.MemoryCopy((byte*)_memory.Data + (from * PageBytes), (byte*)_memory.Data + (to * PageBytes), PageBytes, PageBytes);

    public void Dispose() => _memory.Dispose();
}
