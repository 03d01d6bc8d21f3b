namespace AgentLightning.Models.Architectures;

/// <summary>The tokens of one sequence that an <see cref="InferenceSession"/> has seen. Dispose it to give its pages back.</summary>
public sealed class CachedSequence : IDisposable
{
    private readonly KeyValueCache _cache;
    private bool _ended;

    internal CachedSequence(InferenceSession session, KeyValueCache cache, int maxPositions)
    {
        (Session, _cache) = (session, cache);
        PageList = new List<int>((maxPositions + KeyValueCache.PageTokens - 1) / KeyValueCache.PageTokens);
    }

    /// <summary>Tokens seen.</summary>
    public int Length { get; private set; }

    internal InferenceSession Session { get; }

    internal List<int> PageList { get; }

    /// <summary>
    /// Another sequence that has seen the same. Full pages are shared, a page begun is copied, so a prompt is computed once for many
    /// completions.
    /// </summary>
    public CachedSequence Fork()
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        var fork = new CachedSequence(Session, _cache, PageList.Capacity * KeyValueCache.PageTokens) { Length = Length };
        var full = Length / KeyValueCache.PageTokens;
        for (var i = 0; i < PageList.Count; i++)
        {
            if (i < full)
            {
                _cache.Share(PageList[i]);
                fork.PageList.Add(PageList[i]);
            }
            else if (i * KeyValueCache.PageTokens < Length)
            {
                fork.PageList.Add(_cache.Take());
                _cache.Copy(PageList[i], fork.PageList[i]);
            }
        }

        return fork;
    }

    /// <summary>Forgets the tokens after the first <paramref name="length"/>.</summary>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        var keep = (length + KeyValueCache.PageTokens - 1) / KeyValueCache.PageTokens;
        for (var i = PageList.Count - 1; i >= keep; i--)
        {
            _cache.Give(PageList[i]);
            PageList.RemoveAt(i);
        }

        Length = length;
        if (length % KeyValueCache.PageTokens != 0 && _cache.IsShared(PageList[^1]))
        {
            // It will be written to, and others read it.
            var copy = _cache.Take();
            _cache.Copy(PageList[^1], copy);
            _cache.Give(PageList[^1]);
            PageList[^1] = copy;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_ended)
        {
            Truncate(0);
            _ended = true;
        }
    }

    /// <summary>Pages that <paramref name="tokens"/> more would take.</summary>
    internal int PagesFor(int tokens) => ((Length + tokens + KeyValueCache.PageTokens - 1) / KeyValueCache.PageTokens) - PageList.Count;

    internal void Extend(int tokens)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        for (var pages = PagesFor(tokens); pages > 0; pages--)
        {
            PageList.Add(_cache.Take());
        }

        Length += tokens;
    }
}
