namespace AgentLightning.Models.Generation;

/// <summary>Why a completion ended.</summary>
public enum FinishReason
{
    /// <summary>A token that ends texts was drawn, or a stop string was complete.</summary>
    Stop,

    /// <summary>It has as many tokens as it may have.</summary>
    Length,

    /// <summary>It was cancelled; what it has stays.</summary>
    Cancelled,
}
