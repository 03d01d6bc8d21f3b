namespace AgentLightning.Models.Architectures;

/// <summary>One layer of a cache, for jobs.</summary>
internal readonly unsafe struct KeyValueCacheView(float* layer, nint pageFloats, nint blockFloats, nint keyFloats)
{
    public float* Keys(int page, int head) => layer + (page * pageFloats) + (head * blockFloats);

    public float* Values(int page, int head) => Keys(page, head) + keyFloats;
}
