namespace AgentLightning.Server.Gateway;

/// <summary>Where an event of a stream lies in the bytes that were read.</summary>
/// <param name="Start">Of the whole event.</param>
/// <param name="Length">Of the whole event, with the blank line behind it.</param>
/// <param name="DataLines">Lines of data; 0 for a comment.</param>
/// <param name="DataStart">Of what stands in the first line of data.</param>
/// <param name="NameStart">Of its name; -1 without one.</param>
internal readonly record struct SseEvent(int Start, int Length, int DataLines, int DataStart, int DataLength, int NameStart, int NameLength)
{
    public int End => Start + Length;
}
