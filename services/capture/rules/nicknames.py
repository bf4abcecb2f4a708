"""Given names that are forms of one name, in several languages: short ones, spellings, translations.

A name may belong to several groups: Alex is Alexander, Alexandra or Alexis.
"""

_GROUPS = """
abigail abby gail
adalbert albert al bert alberto albrecht
adam adamo adan
adelaide adele adelheid heidi ada
agnes agnese ines inez
alan allan allen alain
alejandro alexander alessandro alexandre aleksandr alexandros alex alec sandro sascha sasha xander alejo sandor
alejandra alexandra alessandra aleksandra alex alexa sandra sascha sasha
alexis alex
alfred alfredo fred alf
alice alicia alix
amanda mandy
andrew andi andreas andre andrea andres andrei andrej andrzej andy drew anders
angela angelika angelica angie
anna anne ann annie ana hannah hanna anja anouk nancy anita annette
anthony antonio antoine anton antoni antonius tony toni toine
antonia antonella toni tonia antoinette
arthur arturo artur art
augustus august augusto augustin gus
barbara babs barb basia
bartholomew bartolomeo bart bartosz
beatrice beatriz beatrix bea
benedict benedikt benedetto benoit ben
benjamin ben benny beniamino benjamim
bernard bernhard bernardo bernd bernie
bridget brigitte brigitta birgit gitta
bruce brus
calvin cal
cameron cam
candice candy
caroline carolina karoline carol carrie lina
catherine katherine kathryn katharina katarina katrin catarina caterina catalina kate katie kathy cathy kathrin
    karin karen cat katja ekaterina katia
cecilia cecile cilla
charles carlos karl carl carlo charlie chuck karel karol
charlotte carlotta lotte lottie charlie
christian cristian kristian chris
christine christina cristina kirsten kristin kristina chris tina christa krystyna
christopher christoph christophe cristobal cristoforo chris kit topher krzysztof
claire clara klara chiara
claude claudio claudius klaus
clemens clemente clement
cynthia cindy
daniel dan danny daniele danilo
daniela daniella danielle dani
david dave davide davy davey dawid
deborah debra debbie deb
dennis denis dionisio
diana diane
dominic dominik domenico domingo dominique dom
dolores lola loli
donald don donnie
dorothy dorothea dorotea dora dot dolly
douglas doug
edmund edmundo ed ned
edward eduard eduardo edoardo edouard ed eddie ted teddy ned
eleanor eleonora eleonore ellie nora leonor elinor
elias elia ilias
elizabeth elisabeth elisabetta isabel isabella isabelle elisa elise eliza liz lizzie beth betty bettina lisa
    liesel elsa else lisbeth isa bella elzbieta
emily emilia emilie em millie
emanuel emmanuel manuel emanuele manolo manny
emma em
eric erik erich erico
ernest ernst ernesto ernie
esther ester
eugene eugenio eugen gene
eva eve ewa evita
fabian fabio fabien fabiano
felix felice
ferdinand fernando ferdi fernand nando
florian floriano flo
frances franca francesca francisca franziska francoise fran fanny franzi frankie
francis francesco francisco franz francois frank franco frans paco pancho fran franciszek
frederick friedrich federico frederic frederik fred fritz freddy freddie rick fredrik
gabriel gabriele gabe
gabriela gabriella gabrielle gabi gaby
george georg giorgio jorge georges jorg juergen jurgen yuri jerzy joris georgios
gerald gerard gerhard gerardo gerd gerry jerry
gertrude gertrud trudy
gilbert gilberto gil
giovanni john johann johannes juan jean joao jan hans ivan jack johnny jon gianni sean ian janos hannes jens
    evan joan yannis ioannis jonny
giuseppe joseph josef jose joe joey pepe peppe sepp beppe jozef josip iosif yusuf
gregory gregor gregorio gregoire greg
gustav gustavo gus
guy guido
helen helena helene elena ellen nell lena ilona hella
henry heinrich enrico enrique henri henrik hank harry heinz hendrik henk harald rik
herbert heriberto herb bert
hermann armando herman armand
hugh hugo ugo hughes
ignatius ignacio ignazio nacho
irene irena irina
isaac isaak ike
jacob jakob jacobo giacomo jacques jake jakub jacopo diego james jaime santiago jim jimmy jamie tiago iago
jacqueline jackie
janet jane joan johanna giovanna juana jeanne jana joanna hanna jenny jean joana ivana
jasmine yasmin jazmin
jeffrey geoffrey jeff geoff goffredo
jeremy jeremias jeremiah jerry
jerome hieronymus jeronimo girolamo jerry
jennifer jenny jen jenna
jessica jess jessie
joachim joaquin gioacchino jochen achim
joel yoel
jonathan jon johnny jonatan gionata
josephine giuseppina josefina josefine josie pepa
joshua josh josue
judith judy jutta giuditta
julia giulia julie juliane juliana jule
julian julien giuliano juliano jules
julius julio giulio jules
justin giustino justino
kenneth ken kenny
kimberly kim
konrad conrad corrado kurt curt conny
lawrence laurence lorenz lorenzo laurent lars larry laurenz laurens rens
leo leon leone leonard leonhard leonardo lenny len
leopold leopoldo poldi
louis ludwig luis luigi lewis lou luiz ludovic ludovico lutz
louise luisa luise lou luiza
lucas luke luca lukas luc lukasz
lucia lucy lucie luzia
magdalena madeleine maddalena magda lena
marcel marcello marcelo
margaret margarete margarita margherita marguerite maggie meg peggy greta grete rita gretel marge margot malgorzata
maria marie mary mariana marian maja mia moira miriam polly molly maryam marya
mark marcus marco marc markus marcos marek
martha marta
martin martino marty martijn maarten
martina tina
matthew matthias mateo matteo matthieu mathieu mathias matt matty mattia mats mateusz thijs matias
maurice moritz maurizio mauricio morris
maximilian massimiliano maximiliano max maxim massimo maxime
melanie mel
melissa mel missy
michael michele miguel michel mikhail mike mick mickey mikael michal mihail micha
michelle michaela micaela michele shelly
mohammed muhammad mohamed mohammad mehmet mohamad
monica monika monique mona
natalie natalia natasha nathalie
nathan nathaniel nate nat jonathan
nicholas kolya nicolas nicola nikolaus klaus nico nick nicky niklas nils claus nikolai colin niccolo nikola mikolaj
nicole nicola nicoletta nicky nikki
oliver olivier oliviero ollie
olivia liv livia
oscar oskar
oswald osvaldo ossi
otto otho
pamela pam
patricia patrizia patrice pat patty trish tricia
patrick patrizio patricio pat paddy
paul paolo pablo paulo paulus pawel pavel pol
paula paola paulina pauline
peter pietro pedro pierre piotr petr piet pete pieter piero petrus
petra pietra
philip philipp filippo felipe philippe phil pip filip phillip
rachel rachele raquel rahel
raimund raymond raimondo ramon ray
ralph rolf raoul raul rodolfo rudolf rudi rudolph ralf
raphael rafael raffaele rafa
rebecca rebekka rebeca becky becca
renatus renato rene
richard riccardo ricardo dick rick ricky rich richie ryszard
robert roberto bob bobby rob robbie bert rupert roby
roger ruediger rudiger ruggero rogelio rodger rutger
roland rolando orlando
ronald ron ronnie reinhold rinaldo ronaldo reynaldo
rose rosa rosie rosemary
russell russ
samantha sam
samuel samuele sam sammy
sarah sara sally
sebastian sebastiano sebastien bastian seb basti
sergio sergei sergej serge sergey
sigmund siegmund sigismondo ziggy
simon simone simeon ximun
simona simone
sophia sofia sophie sonja zofia sonia
stefania stephanie stefanie steffi estefania steph
stephen steven stefan stephan stefano esteban etienne steve stephane stevie szczepan estevao istvan
susan susanne susanna susana suzanne sue suzie zuzanna
sylvia silvia silvie sylvie
sylvester silvestro silvestre
tabitha tabby
theodore theodor teodoro ted teddy theo fyodor teo
theresa therese teresa terry tess tessa resi
thomas tommaso tomas tom tommy tomasz thom
timothy timo timoteo tim timmy timotheus
tobias tobia toby tobi
ulrich ulrico ulli uli
ursula uschi orsola
valentin valentino valentine
valeria valerie
vanessa nessa
veronica veronika veronique vera
victor viktor vittorio vic wiktor
victoria viktoria vittoria vicky vicki
vincent vincenzo vicente vinzenz vince enzo vinnie
virginia ginny ginger
walter gualtiero gualterio walt
werner guarniero
wilhelm william guillermo guglielmo guillaume willem bill billy will willy willi liam guilherme wim
wolfgang wolf
xavier javier saverio xaver
yves ivo
zachary zach zacharias zaccaria zack
"""


def _by_name() -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for line in _GROUPS.replace("\n    ", " ").split("\n"):
        names = line.split()
        for name in names:
            groups.setdefault(name, []).append(names[0])
    return {name: tuple(dict.fromkeys(of_name)) for name, of_name in groups.items()}


_FORMS = _by_name()


def forms_of(name: str) -> tuple[str, ...]:
    """The names, one for each group, that a folded given name is a form of; itself when it is in no group."""
    return _FORMS.get(name, (name,))


def are_forms_of_one_name(one: str, other: str) -> bool:
    """Whether two folded given names may be forms of one name."""
    mine, others = _FORMS.get(one), _FORMS.get(other)
    return mine is not None and others is not None and not set(mine).isdisjoint(others)


def are_two_names(one: str, other: str) -> bool:
    """Whether two folded given names that look alike are two persons': Maria and Mario, Christian and Christina.

    Their forms are known and not the same, or they differ in an ending that many languages have for women only.
    """
    if one in _FORMS and other in _FORMS:
        return not are_forms_of_one_name(one, other)
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) == 1:
        return longer == f"{shorter}a"
    return len(longer) == len(shorter) and one[:-1] == other[:-1] and {one[-1], other[-1]} <= set("aoe")
