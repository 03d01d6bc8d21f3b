using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Lookup;

/// <summary>Finds the whole id of which a person gave a short form, as lists show it.</summary>
public sealed class FindId(IEnumerable<IRecordIds> kinds) : IOperation
{
    /// <summary>How many an error names.</summary>
    private const int MostNamed = 5;

    /// <summary>
    /// The id of a record that the scope may see: the one given, or the one that has this <see cref="ShortId"/>; role read, and admin for
    /// keys and for the audit log. None is <see cref="ErrorKind.NotFound"/>. More than one, and a form that is too short, is
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public async Task<string> ExecuteAsync(Scope scope, RecordKind kind, string given, CancellationToken cancellationToken)
    {
        scope.Require(kind is RecordKind.Key or RecordKind.AuditEntry ? Role.Admin : Role.Read);
        Ids.Check(given, "id");
        var ids = kinds.First(one => one.Kind == kind);
        var word = EnumText.Of(kind).Replace('_', ' ');
        var form = ShortId.TryParse(given)
            ?? throw LightningException.Invalid(
                $"The short form of an id has at least {ShortId.Least} characters, but it is '{given}'. Give more of it."
            );
        var ends = form.End.Length == 0 ? null : EndsOf(form.End);
        // A client may have made an id with points in it.
        var found = ends is null ? [] : await ids.FindAsync(given, null, scope.Agents, 1, cancellationToken).ConfigureAwait(false);
        if (!found.Any(one => Shown(one) == given))
        {
            found = await ids.FindAsync(form.Begin, ends, scope.Agents, MostNamed + 1, cancellationToken).ConfigureAwait(false);
        }

        var shown = found.Select(Shown).ToList();
        return shown switch
        {
            [] => throw LightningException.NotFound($"No {word} has the id '{given}', nor one of which it is a part."),
            [var only] => only,
            _ when shown.Contains(given, StringComparer.Ordinal) => given,
            _ => throw LightningException.Invalid(
                $"'{given}' is a part of the id of more than one {word}: {string.Join(", ", shown.Take(MostNamed))}"
                    + $"{(shown.Count > MostNamed ? ", and more" : "")}. Give more of it."
            ),
        };

        // What a client gave an id may lie under it with the mark of its agent.
        List<string> EndsOf(string end) =>
            kind is RecordKind.Episode or RecordKind.Reward or RecordKind.Feedback
                ? [end, .. (scope.Agents ?? []).Select(agent => EpisodeIds.Marked(end, agent))]
                : [end];

        string Shown(FoundId one) =>
            (kind, one.AgentId) switch
            {
                (RecordKind.Episode, { } agent) => EpisodeIds.Shown(scope, one.Id, agent),
                (RecordKind.Reward or RecordKind.Feedback, { } agent) => EpisodeIds.Given(scope, one.Id, agent),
                _ => one.Id,
            };
    }
}
