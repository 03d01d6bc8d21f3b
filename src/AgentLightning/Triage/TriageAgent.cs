using AgentLightning.Access;

namespace AgentLightning.Triage;

/// <summary>The agent that analyses feedback, which is the one that is meant where none is named.</summary>
public static class TriageAgent
{
    /// <summary>Its id.</summary>
    public const string DefaultAgentId = Scope.DefaultAgent;
}
