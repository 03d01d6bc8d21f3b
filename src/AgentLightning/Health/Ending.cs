namespace AgentLightning.Health;

/// <summary>Whether this process was told to end. Any thread may call.</summary>
public sealed class Ending
{
    private volatile bool _began;

    public bool Began => _began;

    public void Begin() => _began = true;
}
