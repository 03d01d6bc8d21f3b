namespace AgentLightning.Server.Configuration;

/// <summary>Says of a property that it is a setting, and what it does, with the unit.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingAttribute(string description) : Attribute
{
    public string Description { get; } = description;

    /// <summary>What a text may be; numbers have a <see cref="System.ComponentModel.DataAnnotations.RangeAttribute"/>.</summary>
    public string? Range { get; init; }

    /// <summary>A secret is not taken from the command line, which others can read, and is never shown.</summary>
    public bool Secret { get; init; }
}
