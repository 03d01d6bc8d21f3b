namespace AgentLightning.Models.Generation;

/// <summary>A token as it comes.</summary>
/// <param name="Completion">What it belongs to; it already has the token.</param>
/// <param name="Text">What is now certain of the text; often empty, as while a character or a possible stop string is not complete. The
/// parts add up to <see cref="Completion.Text"/>.</param>
public readonly record struct GeneratedToken(Completion Completion, int Id, float LogProbability, string Text);
